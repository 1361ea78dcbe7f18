"""Quantiles of weighted values: one value may stand for many nodes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate

Weighted = tuple[float, float]
"""A value and how much it counts."""


def quantile(values: Iterable[Weighted], part: float) -> float:
    """The smallest value that is not passed by less than `part` of all the weight; raises ValueError for none."""
    ordered = sorted((value, weight) for value, weight in values if weight > 0)
    if not ordered:
        raise ValueError("no values")
    sums = list(accumulate(weight for _, weight in ordered))
    wanted = part * sums[-1] - 1e-9 * sums[-1]
    return next(value for (value, _), total in zip(ordered, sums, strict=True) if total >= wanted)


def quantiles(values: Iterable[Weighted], *parts: float) -> Sequence[float]:
    known = list(values)
    return [quantile(known, part) for part in parts]


def median(values: Iterable[float]) -> float:
    return quantile(((value, 1.0) for value in values), 0.5)
