"""Gauge: a number that an adapter knows of itself, for those who watch the server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauge:
    """`name` is in the words of Prometheus, unit last and without `kadeploy_`; `says` is its meaning in a sentence."""

    name: str
    says: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


Gauges = Callable[[], Iterable[Gauge]]
"""What it is now; quick, since it is asked while somebody waits."""
