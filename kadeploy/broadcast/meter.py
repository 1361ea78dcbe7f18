"""How fast a node receives of late, and how much of that time it had no room for more."""

from __future__ import annotations

import time

from kadeploy.broadcast.spool import Spool

SPAN = 1.0  # seconds looked back at least


class Meter:
    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._at, self._received, self._blocked = time.monotonic(), 0, 0.0
        self._last = (0.0, 0.0)

    def read(self) -> tuple[float, float]:
        """Bytes a second, and a share of the time from 0 to 1."""
        now, received, blocked = time.monotonic(), self._spool.received, self._spool.blocked
        span = now - self._at
        if span >= SPAN:
            self._last = ((received - self._received) / span, min(1.0, (blocked - self._blocked) / span))
            self._at, self._received, self._blocked = now, received, blocked
        return self._last
