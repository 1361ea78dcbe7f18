"""Waiting for an operation: events in, display out, and Ctrl-C understood.

The first Ctrl-C is a wish (abort, or only leave), carried out between two events; the second ends the tool at once,
whatever it is doing.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Final, Protocol

from kadeploy.cli.display import Board
from kadeploy.cli.follow import Arrived, Back, Failed, Follower, Lost, Told
from kadeploy.cli.keys import entered, unechoed
from kadeploy.cli.units import clock
from kadeploy.cli.views import View
from kadeploy.domain.event import Event, OperationQueued, OperationStarted
from kadeploy.domain.nodeset import NodeSet
from kadeploy.errors import KadeployError

DEAF: Final = 0.5  # seconds that a signal may wait which came right before its tool began to wait


@dataclass(frozen=True, slots=True)
class Interrupt:
    """The user pressed Ctrl-C."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAborted:
    """The server could not be asked to abort, or refused."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRest:
    """Whether the server says that nothing of the operation runs, since nodes are held."""

    is_held: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """The user wants to know how it stands."""


Item = Told | Interrupt | NotAborted | AtRest | Asked


@dataclass(slots=True)
class Outcome:
    """The board as it was at the end; `asked` are the nodes it was asked for, as far as that is known without it;
    `error` when following failed, `left` when the user left it running, `held` when nothing of it runs until somebody
    resumes it."""

    board: Board = field(default_factory=Board)
    asked: NodeSet = field(default_factory=NodeSet)
    interrupted: bool = False
    left: bool = False
    held: bool = False
    error: KadeployError | None = None


Inbox = SimpleQueue[Item]


class MakeFollower(Protocol):
    def __call__(self, *, put: Callable[[Told], None]) -> Follower: ...


def watch(
    outcome: Outcome,
    follow: MakeFollower,
    view: View,
    abort: Callable[[], object] | None,
    is_held: Callable[[], bool],
) -> None:
    """Fill `outcome` until the operation has ended, or is held, heeding Ctrl-C.

    Raises KeyboardInterrupt on a second Ctrl-C; `outcome` then holds what is known.
    """
    inbox: Inbox = SimpleQueue()
    with interrupts(inbox), _enter(view, inbox):
        attend(inbox, outcome, follow, view, abort, is_held)


def attend(
    inbox: Inbox,
    outcome: Outcome,
    follow: MakeFollower,
    view: View,
    abort: Callable[[], object] | None,
    is_held: Callable[[], bool],
) -> None:
    """The same for who minds the signals elsewhere. `abort` asks the server; None means that Ctrl-C only leaves.
    `is_held` asks it, too: that all nodes are held may be long ago."""
    asked = asking = False
    threading.Thread(target=_follow, args=(follow(put=inbox.put), inbox.put), name="follower", daemon=True).start()
    view.open()
    try:
        while not _handle(_next(inbox, outcome, view), outcome, view):
            if outcome.board.is_held and not asking:
                threading.Thread(target=_ask, args=(is_held, inbox.put), name="at rest", daemon=True).start()
            asking = outcome.board.is_held
            if outcome.interrupted and not asked:
                asked = True
                if abort is None:
                    outcome.left = True
                    return
                view.notice(outcome.board, "Aborting the operation; Ctrl-C again leaves at once.")
                threading.Thread(target=_abort, args=(abort, inbox.put), name="abort", daemon=True).start()
    finally:
        view.close()


def _follow(follower: Follower, put: Callable[[Item], None]) -> None:
    """Whatever happens here is told: who waits for news must not wait for ever."""
    try:
        follower.run()
    except Exception as error:
        put(Failed(error=KadeployError(f"the events could not be followed: {error!r}")))


def _next(inbox: Inbox, outcome: Outcome, view: View) -> Item:
    """Waiting is never for long: a signal that came right before it would not be heeded until it ends."""
    while True:
        try:
            return inbox.get(timeout=DEAF if view.tick is None else view.tick)
        except Empty:
            if view.tick is not None:
                view.idle(outcome.board)


def _handle(item: Item, outcome: Outcome, view: View) -> bool:
    """Take one item in; whether it was the last."""
    board = outcome.board
    match item:
        case Arrived(event=event):
            return _arrived(event, board, view)
        case AtRest(is_held=is_held):
            outcome.held = is_held and board.is_held
            return outcome.held
        case Lost(reason=reason, left=left):
            text = f"Connection lost ({reason}); trying again for {clock(left)}. The operation goes on at the server."
            view.notice(board, text)
        case Back():
            view.again(board)
        case Failed(error=error):
            outcome.error = error
            return True
        case NotAborted(why=why):
            view.notice(board, f"Not aborted: {why} The operation goes on; Ctrl-C leaves.")
        case Interrupt():
            outcome.interrupted = True
        case Asked():
            view.stand(board)
    return False


def _arrived(event: Event, board: Board, view: View) -> bool:
    board.apply(event)
    view.event(board, event)
    if isinstance(event, OperationQueued):
        view.notice(board, f"Waiting for {_behind(event)}; Ctrl-C gives up.")
    elif isinstance(event, OperationStarted):
        view.notice(board, "")
    return board.ended is not None


def _enter(view: View, inbox: Inbox) -> AbstractContextManager[None]:
    """ENTER asks where that is not seen anyway."""
    return unechoed() if view.is_live else entered(lambda: inbox.put(Asked()))


def _behind(event: OperationQueued) -> str:
    return "; ".join(f"{nodes}, in {operation}" for operation, nodes in event.behind.items()) or event.nodes


def _ask(is_held: Callable[[], bool], put: Callable[[Item], None]) -> None:
    """Whoever cannot be asked now is still followed."""
    with suppress(KadeployError):
        put(AtRest(is_held=is_held()))


def _abort(abort: Callable[[], object], put: Callable[[Item], None]) -> None:
    """In a thread of its own: a server may answer only when everything has stopped."""
    try:
        abort()
    except KadeployError as error:
        put(NotAborted(why=f"{error}."))


@contextmanager
def interrupts(*inboxes: Inbox) -> Iterator[None]:
    """Turn the first SIGINT into an item for each; putting into a SimpleQueue is safe inside a signal handler. Raises
    SystemExit when the tool is to end otherwise, but not for what its caller has it ignore, as nohup(1) does."""
    pressed = 0

    def on_signal(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed += 1
        if pressed > 1:
            raise KeyboardInterrupt
        for inbox in inboxes:
            inbox.put(Interrupt())

    def on_end(number: int, frame: FrameType | None) -> None:
        """As without us, but leaving the terminal in order."""
        raise SystemExit(128 + number)

    handlers = {signal.SIGINT: on_signal, signal.SIGTERM: on_end, signal.SIGHUP: on_end}
    before = [(number, signal.getsignal(number)) for number in handlers]
    for number, ours in handlers.items():
        if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, ours)
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)
