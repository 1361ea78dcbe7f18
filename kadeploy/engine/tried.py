"""What was tried how often, in words, for a node that will not be tried again."""

from __future__ import annotations

from collections.abc import Iterator

from kadeploy.engine.plan import Place, Plan

_TIMES = {1: "once", 2: "twice"}


def tried(plan: Plan, place: Place) -> str:
    """`Kexec once, Classical twice`: the instances of the macro-step in their order, to the one at which it ended."""
    return ", ".join(f"{what} {_TIMES.get(count, f'{count} times')}" for what, count in _tries(plan, place))


def _tries(plan: Plan, place: Place) -> Iterator[tuple[str, int]]:
    for attempt in plan.stages[place.stage].attempts[: place.attempt]:
        yield attempt.instance, attempt.retries + 1
    yield plan.attempt_at(place).instance, place.turn + 1
    micro = plan.micro_at(place)
    if micro.retries:
        yield f"in the end {micro.name}", place.again + 1 if micro.raisable else micro.retries + 1
