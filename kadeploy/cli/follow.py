"""Following an operation's events to their end, over lost connections and a server that is started again.

Runs in a thread of its own and tells what happens through `put`, so that whoever shows it never waits for a socket.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from kadeploy.domain.event import Event, NodeProgress, OperationEnded
from kadeploy.errors import KadeployError, Unavailable

PATIENCE: Final = 600.0  # seconds to wait for a lost server
FIRST_PAUSE: Final = 0.2  # seconds before the second attempt
LONGEST_PAUSE: Final = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The server does not answer; it is tried for `left` more seconds."""

    reason: str
    left: float


@dataclass(frozen=True, slots=True)
class Back:
    """The server answers again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """There will be no more events."""

    error: KadeployError


Told = Arrived | Lost | Back | Failed


class Connect(Protocol):
    """Events above number `after`, until the server or the network ends them; raises Unavailable when it is lost."""

    def __call__(self, *, after: int, opened: Callable[[], None]) -> Iterator[tuple[int, Event]]: ...


@dataclass(slots=True, kw_only=True)
class Follower:
    """`settled` asks whether the operation has ended: a stream may end without its last event."""

    connect: Connect
    settled: Callable[[], OperationEnded | None]
    put: Callable[[Told], None]
    patience: float = PATIENCE
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _last: int = 0
    _lost_at: float | None = None
    _told: bool = False

    def run(self) -> None:
        """Return when the operation has ended, or Failed was told."""
        pause = FIRST_PAUSE
        while True:
            try:
                if self._read() or self._ended_unseen():
                    return
                reason = "the server closed the connection"
            except Unavailable as error:
                reason = error.message
            except KadeployError as error:
                self.put(Failed(error=error))
                return
            if not self._wait(reason, pause):
                return
            pause = FIRST_PAUSE if self._lost_at is None else min(pause * 2, LONGEST_PAUSE)

    def _read(self) -> bool:
        """Tell events until the connection ends; whether the last one came."""
        for number, event in self.connect(after=self._last, opened=self._opened):
            if number > self._last or isinstance(event, NodeProgress):
                self._last = max(self._last, number)
                self.put(Arrived(event=event))
            if isinstance(event, OperationEnded):
                return True
        return False

    def _ended_unseen(self) -> bool:
        ended = self.settled()
        if ended is not None:
            self.put(Arrived(event=ended))
        return ended is not None

    def _opened(self) -> None:
        self._lost_at = None
        if self._told:
            self._told = False
            self.put(Back())

    def _wait(self, reason: str, pause: float) -> bool:
        """Pause before the next attempt; False when patience is at its end.

        The first attempt after a loss is made without a word: most losses are over at once.
        """
        now = self.clock()
        if self._lost_at is None:
            self._lost_at = now
        else:
            left = self.patience - (now - self._lost_at)
            if left <= 0:
                self.put(Failed(error=Unavailable(f"gave up after {self.patience:.0f} s: {reason}")))
                return False
            self._told = True
            self.put(Lost(reason=reason, left=left))
        self.sleep(pause)
        return True
