"""Carrying an operation out: at the chosen server, or with -M at each one that has some of the nodes."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from queue import SimpleQueue

from kadeploy.cli import report
from kadeploy.cli.client import Client
from kadeploy.cli.every_server import clients, owners
from kadeploy.cli.exits import ALL_OK, exit_code
from kadeploy.cli.given import Given
from kadeploy.cli.keys import entered
from kadeploy.cli.launch import Launch, send
from kadeploy.cli.launched import Launched
from kadeploy.cli.operation import conduct, plan_text, run_script, settling, tell_left, tell_traces, verdict
from kadeploy.cli.refused import explained
from kadeploy.cli.standing import in_all
from kadeploy.cli.targets import Targets, asked_for
from kadeploy.cli.tool import connected, print_json
from kadeploy.cli.units import plural
from kadeploy.cli.views import LineView
from kadeploy.cli.waiting import Waiting
from kadeploy.cli.watch import DEAF, Asked, Inbox, Outcome, attend, interrupts
from kadeploy.domain.nodeset import NodeSet
from kadeploy.errors import Faults, InvalidFile, KadeployError

MakeLaunch = Callable[[Client, Targets], Launch]


@dataclass(slots=True, kw_only=True)
class Part:
    """What one server does of it. `error` is why it does nothing, or was not carried through."""

    client: Client
    nodes: NodeSet
    answer: Mapping[str, object] = field(default_factory=dict)
    launched: Launched | None = None
    outcome: Outcome = field(default_factory=Outcome)
    inbox: Inbox = field(default_factory=SimpleQueue)
    error: KadeployError | None = None

    @property
    def name(self) -> str:
        return self.client.server.name


def operate(given: Given, targets: Targets, waiting: Waiting, make: MakeLaunch) -> int:
    """The tool's exit code."""
    if given.flag("multi_server"):
        return _everywhere(given, targets, waiting, make)
    with settling(waiting, targets.nodes) as outcome, connected(given) as client:
        if targets.texts and waiting.settles and waiting.files.name_nodes:
            outcome.asked = asked_for([client], targets)  # before anything goes wrong: a refusal names none
        return conduct(client, make(client, targets), waiting, outcome)


def _everywhere(given: Given, targets: Targets, waiting: Waiting, make: MakeLaunch) -> int:
    stream = sys.stderr if waiting.as_json else sys.stdout
    waiting.files.prepare()
    with ExitStack() as stack:
        parts = _parts(given, stack, targets, waiting)
        for part in parts:
            _launch(part, make, waiting)
        if waiting.settles:
            try:
                _follow([part for part in parts if part.launched], waiting)
            finally:
                for part in parts:
                    waiting.files.write(*report.settled(part.outcome.board, part.nodes))
        _tell(parts, waiting)
        if waiting.script and waiting.settles:
            run_script(waiting.script, stream)
    return next((code for part in parts if (code := _code(part, waiting))), ALL_OK)


def _parts(given: Given, stack: ExitStack, targets: Targets, waiting: Waiting) -> Sequence[Part]:
    """What each server is to do; nodes of which that cannot be told are not OK."""
    those: Sequence[Client] = ()
    try:
        those = clients(given, stack)
        owned = owners(those, targets)
    except KadeployError:
        if waiting.settles:
            asked = targets.nodes
            with suppress(KadeployError):
                asked = asked_for(those, targets)
            waiting.files.write(NodeSet(), asked)
        raise
    return [Part(client=one, nodes=owned[one.server.name]) for one in those if one.server.name in owned]


def _launch(part: Part, make: MakeLaunch, waiting: Waiting) -> None:
    """A server that refuses its part does not keep the others from theirs."""
    try:
        launch = make(part.client, Targets(nodes=part.nodes))
        answer = send(part.client, launch)
    except Faults as error:
        part.error = InvalidFile("; ".join(error.faults))
    except KadeployError as error:
        part.error = error
    if part.error:
        print(f"[{part.name}] {explained(part.error)}", file=sys.stderr)
        return
    part.answer = answer if isinstance(answer, Mapping) else {"text": str(answer)}
    wid, resources = part.answer.get("wid"), part.answer.get("resources")
    if wid:
        told = resources if isinstance(resources, Mapping) else {}
        part.launched = Launched(client=part.client, kind=launch.kind, wid=str(wid), resources=told)
        waiting.files.add_wid(str(wid))


def _follow(parts: Sequence[Part], waiting: Waiting) -> None:
    """All at once, a thread for each; the first Ctrl-C reaches every one, the second leaves them."""
    threads = [threading.Thread(target=_attend, args=(part, waiting), name=part.name, daemon=True) for part in parts]
    try:
        with interrupts(*(part.inbox for part in parts)), entered(lambda: _ask(parts)):
            for thread in threads:
                thread.start()
            _join(threads)
    except KeyboardInterrupt:
        for part in parts:
            part.outcome.interrupted = part.outcome.left = True
        return
    except SystemExit as ending:
        for part in parts:
            if part.launched:
                tell_left(part.launched.wid, ending, f"[{part.name}] ")
        raise
    for part in parts:
        if part.launched:
            part.error = part.launched.failure(part.outcome)
            tell_traces(part.launched, waiting)


def _join(threads: Sequence[threading.Thread]) -> None:
    for thread in threads:
        while thread.is_alive():
            thread.join(DEAF)


def _attend(part: Part, waiting: Waiting) -> None:
    assert part.launched is not None
    launched, stream = part.launched, sys.stderr if waiting.as_json else sys.stdout
    view = LineView(stream, waiting.level, f"[{part.name}] ", part.client.skew)
    if stream.isatty() or sys.stdin.isatty():  # where somebody sees it, or may ask
        part.outcome.board.expected = launched.expected()
    abort = None if waiting.leaves else launched.abort
    try:
        view.say(f"{launched.wid} launched{in_all(part.outcome.board.expected)}")
        attend(part.inbox, part.outcome, launched.follower(waiting.patience), view, abort, launched.is_held)
    except OSError as error:
        part.outcome.left = True
        tell_left(launched.wid, error, f"[{part.name}] ")


def _ask(parts: Sequence[Part]) -> None:
    """How it stands, of each."""
    for part in parts:
        part.inbox.put(Asked())


def _tell(parts: Sequence[Part], waiting: Waiting) -> None:
    if waiting.as_json:
        print_json({part.name: _json(part, waiting) for part in parts})
        return
    for part in parts:
        for line in _lines(part, waiting):
            print(f"[{part.name}] {line}")
    sys.stdout.flush()


def _json(part: Part, waiting: Waiting) -> object:
    if part.error and not part.launched:
        return {"error": explained(part.error)}
    if part.launched is None or not waiting.wait:
        return part.answer
    error = explained(part.error) if part.error else ""
    return report.to_json(part.outcome.board, part.launched.wid, part.launched.kind, error=error)


def _lines(part: Part, waiting: Waiting) -> Iterator[str]:
    """What became of a part; of one that was refused all is said already."""
    board, launched = part.outcome.board, part.launched
    if launched is None:
        yield from plan_text(part.answer).splitlines() if not part.error else ()
    elif not waiting.wait:
        yield f"{launched.wid} {launched.resource}/"
    else:
        yield from report.lines(board)
        if part.error:
            yield explained(part.error)
        elif part.outcome.left:
            yield f"{launched.wid} goes on: kadeploy -S {part.name} --attach {launched.wid} follows it again."
        elif board.ended:
            yield f"{launched.wid} {board.ended.state}: {len(board.ok)} of {plural(len(board.nodes), 'node')} OK"


def _code(part: Part, waiting: Waiting) -> int:
    if part.error:
        return exit_code(part.error)
    return verdict(part.outcome, waiting) if waiting.settles else ALL_OK
