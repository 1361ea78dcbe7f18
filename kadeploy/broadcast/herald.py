"""Says that a node is slow, by connections of its own: to those that would read from it, and to the node itself.

Over the one that the image comes by, the slow one hears it behind all that is on its way to it, and what it says
itself comes behind what it has not sent yet: on a slow link that is the better part of a second, in which those behind
it would starve.
"""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from kadeploy.broadcast.heal import Timing
from kadeploy.broadcast.link import Link, LinkLost
from kadeploy.broadcast.reception import Reception
from kadeploy.broadcast.wire import Kind

log = logging.getLogger(__name__)
MOST_TRIED = 4  # of those behind it, where the next ones are dead


class Dial(Protocol):
    def __call__(self, rank: int, offset: int, end: int, *, ranged: bool, patient: bool, answer: float) -> Link:
        """Raises LinkLost."""
        ...


class Herald:
    def __init__(self, reception: Reception, dial: Dial) -> None:
        self._reception, self._dial = reception, dial
        self._timing = Timing(stall=reception.limits.stall)

    def tell_of(self, slow: int) -> None:
        """Returns at once. Who cannot be reached will starve, and find another source by itself; or hear it over the
        connection that it has."""
        behind = self._reception.shape.behind(slow, len(self._reception.order))
        for line in (*behind, range(slow, slow + 1)):
            threading.Thread(
                target=self._tell_first, args=(line[:MOST_TRIED], slow), name="herald", daemon=True
            ).start()

    def _tell_first(self, line: range, slow: int) -> None:
        for rank in line:
            try:
                self._tell(rank, slow)
            except LinkLost as lost:
                log.info("%s cannot be told which node is slow: %s", self._reception.order[rank].name, lost)
            else:
                return

    def _tell(self, rank: int, slow: int) -> None:
        is_slow = rank == slow
        answer = self._timing.answer(anew=is_slow)
        link = self._dial(rank, 0, 0, ranged=True, patient=is_slow, answer=answer)
        try:
            link.tell(Kind.SLOW, value=slow)
            link.tell(Kind.BYE)
            while link.next_frame(_nothing).kind is not Kind.END:
                pass
        finally:
            link.close()


def _nothing() -> None:
    pass
