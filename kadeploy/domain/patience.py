"""`Patience`: how long a step that waits keeps the nodes that have come for those that have not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What a cluster's boots have taken: `seconds` by which the share `share` of `boots` had come."""

    seconds: float
    share: float
    boots: int

    def __str__(self) -> str:
        return f"{self.share:.0%} of the last {self.boots} boots took at most {self.seconds:.0f} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """Nodes that have not come so many `seconds` after the beginning of the wait are late, and why they are."""

    seconds: float
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Once `quorum` (a share of the nodes) has come, the rest has `grace` times what that took, `least` seconds at
    least; then the nodes that came go on, and the rest goes on waiting by itself.

    Once `enough` boots are recorded, the measure is the cluster's own instead: the time by which the share
    `percentile` of them had come, and `least` seconds more. And once the share `nearly` of this wait's nodes has come,
    they are the measure themselves: the rest has `grace` times what lay between the first of them and the last.
    `ask_power`: a late node whose power is off is not waited for.
    """

    quorum: float = 0.6
    grace: float = 0.5
    least: float = 5.0
    nearly: float = 0.95
    percentile: float = 0.95
    enough: int = 20
    ask_power: bool = False

    def is_reached(self, came: int, of: int) -> bool:
        return came >= max(1, self.quorum * of)

    def usual(self, boots: Sequence[float]) -> Usual | None:
        """What these boots (seconds each) say; None when they are too few to say anything."""
        if len(boots) < max(1, self.enough):
            return None
        ordered = sorted(boots)
        place = min(len(ordered) - 1, int(self.percentile * len(ordered)))
        return Usual(seconds=ordered[place], share=self.percentile, boots=len(ordered))

    def late(self, *, came: int, of: int, first: float, took: float, usual: Usual | None = None) -> Late | None:
        """When `came` nodes have come, the first after `first` seconds and the last after `took`; None when too few
        have. The earliest of all answers of a wait is the one that holds."""
        if not self.is_reached(came, of):
            return None
        whole = self._by_all(took, usual)
        if came < self.nearly * of:
            return whole
        spread = self.grace * (took - first)
        near = Late(
            seconds=took + max(self.least, spread),
            why=f"nearly all came within {took - first:.0f} s, and {max(self.least, spread):.0f} s more are over",
        )
        return min(whole, near, key=lambda late: late.seconds)

    def _by_all(self, took: float, usual: Usual | None) -> Late:
        if usual is not None:
            return Late(
                seconds=max(took, usual.seconds) + self.least,
                why=f"{usual} here, and {self.least:.0f} s more are over",
            )
        more = max(self.least, self.grace * took)
        return Late(seconds=took + more, why=f"most had come after {took:.0f} s, and {more:.0f} s more are over")


@dataclass(slots=True, kw_only=True)
class Tally:
    """Who has come so far, of how many: the earliest of all answers holds."""

    patience: Patience
    of: int
    usual: Usual | None = None
    came: int = 0
    first: float = 0.0
    late: Late | None = None

    def add(self, took: float) -> Late | None:
        """One more came, after `took` seconds. When the rest is late, if that is sooner than was known."""
        self.came += 1
        if self.came == 1:
            self.first = took
        found = self.patience.late(came=self.came, of=self.of, first=self.first, took=took, usual=self.usual)
        if found is None or (self.late is not None and found.seconds >= self.late.seconds):
            return None
        self.late = found
        return found
