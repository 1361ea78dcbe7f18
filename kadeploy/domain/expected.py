"""How long a plan is expected to take a node, from how long the same steps took nodes that succeeded lately.

A macro-step's time is that of past nodes that began it with the same instance, whatever they had to try again in it:
retries and fallbacks are part of what happens. Past operations of a similar size count, if there are enough: many
nodes wait for each other in the windows. The time of steps that move the image grows with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from kadeploy.domain.course import StepTime
from kadeploy.domain.quantiles import Weighted, quantiles
from kadeploy.domain.statistics import Trip

MOVING: Final = frozenset({"send_environment", "decompress_environment"})  # steps whose time grows with the image
SIMILAR: Final = 4.0  # times as many nodes, or as few
ENOUGH: Final = 20  # nodes of similar operations: with fewer, all count
LATEST: Final = 200  # trips that are looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedMacro:
    """What a plan begins a macro-step with."""

    macro: str
    instance: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """Half of the nodes took `median` seconds at most, nine of ten `slow`; `nodes` were looked at."""

    median: float
    slow: float
    nodes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedMacro:
    """`steps` are as in the plan, None where nothing is known."""

    macro: str
    instance: str
    duration: Duration | None
    steps: tuple[tuple[str, Duration | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """`whole` is None unless something is known of every macro-step."""

    whole: Duration | None
    macros: tuple[ExpectedMacro, ...]


Past = Sequence[tuple[Trip, int]]
"""Trips on which nodes succeeded, with how many did."""


def expected(planned: Sequence[PlannedMacro], past: Past, *, nodes: int, image_size: int = 0) -> Expected | None:
    """None when nothing at all is known."""
    known = _similar([(trip, count) for trip, count in past if trip.steps], nodes)
    macros = tuple(_macro(macro, known, image_size) for macro in planned)
    if not any(macro.duration for macro in macros):
        return None
    return Expected(whole=_whole(planned, macros, known, image_size), macros=macros)


def _similar(past: Past, nodes: int) -> Past:
    alike = [(trip, count) for trip, count in past if nodes / SIMILAR <= trip.strength <= nodes * SIMILAR]
    return alike if sum(count for _, count in alike) >= min(ENOUGH, nodes) else past


def _macro(planned: PlannedMacro, past: Past, image_size: int) -> ExpectedMacro:
    steps = tuple(
        (
            micro,
            _duration((seconds, count) for trip, count in past for seconds in _times(trip, planned, micro, image_size)),
        )
        for micro in planned.steps
    )
    whole = ((seconds, count) for trip, count in past if (seconds := _seconds(trip, planned, image_size)) is not None)
    return ExpectedMacro(macro=planned.macro, instance=planned.instance, duration=_duration(whole), steps=steps)


def _whole(
    planned: Sequence[PlannedMacro], macros: Sequence[ExpectedMacro], past: Past, image_size: int
) -> Duration | None:
    """Of nodes that went all the way; where none did, the sum of its parts."""
    ways = ((trip, count, [_seconds(trip, macro, image_size) for macro in planned]) for trip, count in past)
    complete = _duration((sum(each or 0.0 for each in parts), count) for _, count, parts in ways if None not in parts)
    durations = [macro.duration for macro in macros if macro.duration is not None]
    if complete is not None or len(durations) < len(macros):
        return complete
    return Duration(
        median=sum(each.median for each in durations),
        slow=sum(each.slow for each in durations),
        nodes=min(each.nodes for each in durations),
    )


def _seconds(trip: Trip, planned: PlannedMacro, image_size: int) -> float | None:
    """What the macro-step took on this trip; None when it was begun in another way, or not at all."""
    steps = [step for step in trip.steps if step.macro == planned.macro]
    if not steps or steps[0].instance != planned.instance:
        return None
    return sum(_scaled(step, trip, image_size) for step in steps)


def _times(trip: Trip, planned: PlannedMacro, micro: str, image_size: int) -> Iterable[float]:
    return [
        _scaled(step, trip, image_size)
        for step in trip.steps
        if (step.macro, step.instance, step.micro) == (planned.macro, planned.instance, micro)
    ]


def _scaled(step: StepTime, trip: Trip, image_size: int) -> float:
    if step.micro in MOVING and image_size and trip.image_size:
        return step.seconds * image_size / trip.image_size
    return step.seconds


def _duration(values: Iterable[Weighted]) -> Duration | None:
    known = list(values)
    if not known:
        return None
    half, slow = quantiles(known, 0.5, 0.9)
    return Duration(median=half, slow=slow, nodes=round(sum(weight for _, weight in known)))
