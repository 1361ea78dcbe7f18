"""`Patience`: how long a step that waits keeps the nodes that have come for those that have not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Once `quorum` (a share of the nodes) has come, the rest has `grace` times what that took, `least` seconds at
    least; then the nodes that came go on, and the rest goes on waiting by itself."""

    quorum: float = 0.6
    grace: float = 0.5
    least: float = 10.0

    def is_reached(self, came: int, of: int) -> bool:
        return came >= max(1, self.quorum * of)

    def longest(self, took: float) -> float:
        """Seconds from the beginning of the wait after which nodes are late, when the quorum took that long."""
        return took + max(self.least, self.grace * took)
