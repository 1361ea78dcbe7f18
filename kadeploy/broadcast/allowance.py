"""How many bytes a second may leave, shared fairly between the broadcasts that have something to send.

In bursts of some milliseconds: each arrival wakes a thread at every hop, and a long chain has many hops. A kernel's own
pacing (SO_MAX_PACING_RATE) sends packets one by one.
"""

from __future__ import annotations

import threading
import time

BURST = 0.02  # seconds of the rate in one go
LEAST_BURST = 64 << 10  # bytes
CREDIT = 0.1  # seconds that one who was kept waiting may make up for
BUSY = 0.1  # seconds after its turn that a lane counts as having something to send: what it leaves is for the others


class Allowance:
    """`rate`: bytes a second in all, 0 for no limit. Safe to use from any thread."""

    def __init__(self, rate: int = 0) -> None:
        self.rate = rate
        self._lanes: dict[object, float] = {}  # when each may send again
        self._lock = threading.Lock()

    @property
    def is_limited(self) -> bool:
        return self.rate > 0

    def burst(self) -> int:
        """How many bytes to send in one go."""
        return max(LEAST_BURST, int(self.rate * BURST))

    def wait_for(self, lane: object, count: int, now: float) -> float:
        """Seconds until these bytes may be sent, which are counted as sent then."""
        rate = self.rate  # which may be another one from one moment to the next
        if rate <= 0:
            return 0.0
        with self._lock:
            for other in [one for one, at in self._lanes.items() if now - at > BUSY]:
                del self._lanes[other]
            lanes = len(self._lanes.keys() | {lane})
            at = max(self._lanes.get(lane, now), now - CREDIT)
            self._lanes[lane] = at + count * lanes / rate
            return max(0.0, at - now)

    def take(self, lane: object, count: int) -> None:
        """Wait until it is this lane's turn to send so many bytes."""
        if self.rate and (seconds := self.wait_for(lane, count, time.monotonic())) > 0:
            time.sleep(seconds)


UNLIMITED = Allowance()
