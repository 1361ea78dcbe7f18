"""Is a reader slower than what comes? Watched by its source, which alone sees both."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from kadeploy.broadcast.heal import evidence, holds_back, watch_for

APART = 0.05  # seconds between two looks


@dataclass(frozen=True, slots=True)
class _Sample:
    at: float
    came: int
    taken: int
    blocked: float


class Pace:
    """`share`: a reader slower than the stream by less is not minded. `size`: of the image, in bytes."""

    def __init__(self, share: float, size: int) -> None:
        self._samples: deque[_Sample] = deque()
        self._share, self._size = share, size
        self._could = 0.0

    def is_holding_back(self, at: float, came: int, taken: int, blocked: float) -> bool:
        """`came` and `taken`: bytes the source has, and has given to this reader. `blocked`: for how many seconds in
        all the source could take no more, having no memory left."""
        samples = self._samples
        if samples and at - samples[-1].at < max(APART, (samples[-1].at - samples[0].at) / 200):
            return False
        samples.append(_Sample(at, came, taken, blocked))
        first, span = samples[0], at - samples[0].at
        flowing = span - (blocked - first.blocked)
        if came < self._size and flowing > span / 10:
            self._could = (came - first.came) / flowing
        if self._could <= 0:
            return False
        whole = self._size / self._could
        while at - samples[0].at > watch_for(whole, self._share):
            samples.popleft()
        low = min(samples, key=lambda sample: sample.came - sample.taken)
        since = at - low.at
        if since <= 0:
            return False
        fallen = came - taken - (low.came - low.taken)
        if flowing <= span / 2:
            fallen = came - taken  # it is this reader that has filled the memory
        return holds_back(
            fallen=fallen,
            rate=(taken - low.taken) / since,
            could=self._could,
            left=self._size - taken,
            needed=evidence(whole, self._share),
        )
