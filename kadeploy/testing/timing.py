"""How long things take on simulated nodes: distributions, so that a cluster's own habits can be given."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, fields, replace
from typing import Protocol


class Spread(Protocol):
    """A distribution of seconds."""

    def draw(self, source: random.Random) -> float: ...

    def scaled(self, factor: float) -> Spread: ...


@dataclass(frozen=True, slots=True)
class Even(Spread):
    """Evenly between two bounds."""

    low: float
    high: float

    def draw(self, source: random.Random) -> float:
        return source.uniform(self.low, self.high)

    def scaled(self, factor: float) -> Even:
        return Even(self.low * factor, self.high * factor)


@dataclass(frozen=True, slots=True)
class Skewed(Spread):
    """Log-normal, as boots of real machines are: half take longer than the median, a few much longer."""

    median: float
    sigma: float = 0.15

    def draw(self, source: random.Random) -> float:
        return source.lognormvariate(math.log(self.median), self.sigma)

    def scaled(self, factor: float) -> Skewed:
        return Skewed(self.median * factor, self.sigma)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """`late` is added to a late boot, `away` is for how long an agent is disconnected; `absence` is how long the server
    waits for an agent that is not connected, and `standstill` for one that receives nothing; what a command may take is
    multiplied by `deadlines`; a slow disk takes `slow` times as long."""

    power: Spread = Even(0.5, 0.5)
    boot_minimal: Spread = Even(30.0, 40.0)
    boot_installed: Spread = Even(20.0, 30.0)
    kexec: Spread = Even(8.0, 10.0)
    late: Spread = Even(200.0, 200.0)
    command: Spread = Even(0.1, 2.0)
    broadcast: Spread = Even(28.0, 30.0)
    away: Spread = Even(5.0, 25.0)
    absence: float = 30.0
    standstill: float = 600.0
    deadlines: float = 1.0
    slow: float = 6.0

    def scaled(self, factor: float) -> Timing:
        spreads = {
            one.name: value.scaled(factor)
            for one in fields(self)
            if hasattr(value := getattr(self, one.name), "scaled")
        }
        waits = {name: getattr(self, name) * factor for name in ("absence", "standstill", "deadlines")}
        return replace(self, **waits, **spreads)
