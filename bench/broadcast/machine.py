"""What the machine did meanwhile: with other work on it, figures bound by the processor say little."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Seconds: of the clock, and of all processors together, working and in all."""

    clock: float
    worked: float
    there: float

    @classmethod
    def now(cls) -> Moment:
        numbers = [int(word) / TICK for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        idle = numbers[3] + numbers[4]
        return cls(clock=time.monotonic(), worked=sum(numbers) - idle, there=sum(numbers))

    def load_since(self, before: Moment) -> float:
        """Of all processors, the share that worked; stolen time counts as work."""
        return (self.worked - before.worked) / max(0.01, self.there - before.there)
