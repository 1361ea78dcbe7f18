"""A node's rank in the order: its place, until it moves to the end of all, which it does once at most.

Who may read from whom follows from ranks alone (only from a lower one), so a node that moves first cuts all whose
rank is lower than its new one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from kadeploy.broadcast.order import HEAD_RANK, MOVED


class Standing:
    """Any thread may ask and move. `hops`: how far from the head this node is now."""

    def __init__(self, place: int) -> None:
        self.rank = place
        self.hops = 0 if place == HEAD_RANK else 1
        self.why = ""  # it has moved
        self.when_moved: list[Callable[[], None]] = []
        self._lock = threading.Lock()

    @property
    def is_moved(self) -> bool:
        return self.rank >= MOVED

    def may_feed(self, rank: int) -> bool:
        return self.rank < rank

    def move(self, why: str) -> None:
        with self._lock:
            if self.is_moved or self.rank == HEAD_RANK:
                return
            self.rank += MOVED
            self.why = why
        for tell in self.when_moved:
            tell()
