"""Where an operation's time went: its visits of micro-steps, folded."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kadeploy.operations.board import StepOnBoard


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """A micro-step over all node sets: `seconds` in which at least one set was in it, `longest` of one visit."""

    macro: str
    instance: str
    micro: str
    start: float
    end: float
    seconds: float
    longest: float
    visits: int
    nodes: int


def timings(steps: Iterable[StepOnBoard], now: float) -> Sequence[Timing]:
    """In the order in which the micro-steps were first entered; a running visit lasts until `now`."""
    groups: dict[tuple[str, str, str], list[StepOnBoard]] = {}
    for step in steps:
        groups.setdefault((step.macro, step.instance, step.micro), []).append(step)
    return [
        Timing(
            macro=macro,
            instance=instance,
            micro=micro,
            start=min(visit.start for visit in visits),
            end=max(visit.start + visit.seconds(now) for visit in visits),
            seconds=_covered((visit.start, visit.start + visit.seconds(now)) for visit in visits),
            longest=max(visit.seconds(now) for visit in visits),
            visits=len(visits),
            nodes=sum(visit.count for visit in visits),
        )
        for (macro, instance, micro), visits in groups.items()
    ]


def _covered(spans: Iterable[tuple[float, float]]) -> float:
    """The length of the union of the spans."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
