"""Does the first node of a chain hold back all the others? Nobody before it can see that: the head has every byte.

So the second node asks the head for some bytes, once for each first node it reads from: were the head's own link the
limit, the two streams would share it; when the head gives far more, the node between is to blame. But not for more than
it may send.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from math import inf
from typing import Protocol

from kadeploy.broadcast.heal import FASTER, WORTH, is_to_blame
from kadeploy.broadcast.link import Link, LinkLost
from kadeploy.broadcast.order import HEAD_RANK
from kadeploy.broadcast.spool import Spool
from kadeploy.broadcast.wire import Kind

WATCH = 0.2  # seconds of the stream before the head is asked
SAMPLE = 0.02  # seconds of the stream that are asked for
LEAST_SAMPLE = 512 << 10
MOST_ASKED = 2  # times
ANSWER = 1.0  # seconds for the head to answer, and for the bytes to come


class _Dial(Protocol):
    def __call__(self, rank: int, offset: int, end: int, *, ranged: bool, answer: float) -> Link: ...


class SecondOpinion:
    def __init__(self, dial: _Dial, spool: Spool, blame: Callable[[Link], object], most: float = inf) -> None:
        """`blame` is told, by a thread of its own, which link it is; `most`: bytes a second that a node may send to
        each of its readers."""
        self._dial, self._spool, self._blame, self._most = dial, spool, blame, most
        self._link: Link | None = None  # the one that is judged
        self._began = 0.0
        self._received = 0
        self._blocked = 0.0
        self._is_asking = False
        self._times_faster: list[float] = []

    def forget(self) -> None:
        """The source is not fed by the head: how fast it gives says nothing of it."""
        self._link = None

    def watch(self, link: Link) -> None:
        """Called now and then while bytes come over this link."""
        now, spool = time.monotonic(), self._spool
        if link is not self._link:
            self._link, self._began, self._received, self._blocked = link, now, spool.received, spool.blocked
            self._is_asking, self._times_faster = False, []
        span = now - self._began
        if not self._is_asking and len(self._times_faster) < MOST_ASKED and span >= WATCH:
            self._is_asking = True
            rate = (spool.received - self._received) / span
            is_held_here = spool.blocked - self._blocked > span / 10
            if (spool.size - spool.received) / max(rate, 1.0) > 4 * WORTH and not is_held_here:
                about = link, self._times_faster, rate
                threading.Thread(target=self._ask, args=about, name="opinion", daemon=True).start()

    def _ask(self, link: Link, answers: list[float], rate: float) -> None:
        with contextlib.suppress(LinkLost):
            times = min(self._head_rate(int(rate * SAMPLE)), self._most) / max(rate, 1.0)
            if answers is self._times_faster:  # else it is of a source that is not judged any more
                answers.append(times)
                self._began, self._received, self._blocked = time.monotonic(), self._spool.received, self._spool.blocked
                self._is_asking = times < FASTER  # it is well: there is no need to ask again
                if is_to_blame(answers):
                    self._blame(link)

    def _head_rate(self, wanted: int) -> float:
        """Bytes a second. Raises LinkLost."""
        start = self._spool.received
        end = min(self._spool.size, start + max(LEAST_SAMPLE, wanted))
        head = self._dial(HEAD_RANK, start, end, ranged=True, answer=ANSWER)
        try:
            buffer, began, taken = memoryview(bytearray(LEAST_SAMPLE)), time.monotonic(), 0
            while taken < end - start and time.monotonic() - began < ANSWER:
                frame = head.next_frame(_nothing)
                left = frame.length
                while left:
                    count = head.pull(buffer[:left], _nothing)
                    left -= count
                    taken += count
                if frame.kind is Kind.END:
                    break
            return taken / max(1e-6, time.monotonic() - began)
        finally:
            head.close()


def _nothing() -> None:
    pass
