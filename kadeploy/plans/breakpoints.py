"""Breakpoints: the places in a plan before which nodes are held until somebody resumes the operation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from kadeploy.domain.automaton import Chosen
from kadeploy.engine.plan import Attempt, Plan, Stage
from kadeploy.errors import InvalidOption
from kadeploy.steps.fetch_files import FetchFiles


def hold_before(plans: Mapping[str, Plan], place: str) -> Mapping[str, Plan]:
    """`place` is `MACRO[:micro]`; MACRO is a macro-step, with its instance or for all of them.

    Raises InvalidOption when no plan has such a place.
    """
    macro, _, micro = place.partition(":")
    held = {cluster: _in_plan(plan, macro, micro) for cluster, plan in plans.items()}
    if all(held[cluster] == plan for cluster, plan in plans.items()):
        known = _known(plans, macro if micro else "") or _known(plans, "")
        raise InvalidOption(f"breakpoint: nothing here is {place}", hint=f"there is {', '.join(known)}")
    return held


def where_configured(plan: Plan, chosen: Mapping[str, Sequence[Chosen]]) -> Plan:
    """The plan with the breakpoints of its automaton; `chosen` has an entry for each attempt of each macro-step."""
    stages = []
    for stage in plan.stages:
        attempts = tuple(map(_as_chosen, stage.attempts, chosen[stage.macro]))
        stages.append(replace(stage, attempts=attempts))
    return replace(plan, stages=tuple(stages))


def _as_chosen(attempt: Attempt, chosen: Chosen) -> Attempt:
    wanted = {name for name, settings in chosen.micro_steps.items() if settings.breakpoint}
    held = _in_attempt(attempt, "") if chosen.breakpoint else attempt
    for micro in wanted:
        held = _in_attempt(held, micro)
    return held


def _in_plan(plan: Plan, macro: str, micro: str) -> Plan:
    return replace(plan, stages=tuple(_in_stage(stage, macro, micro) for stage in plan.stages))


def _in_stage(stage: Stage, macro: str, micro: str) -> Stage:
    attempts = tuple(
        _in_attempt(attempt, micro) if macro in (stage.macro, stage.macro + attempt.instance) else attempt
        for attempt in stage.attempts
    )
    return replace(stage, attempts=attempts)


def _in_attempt(attempt: Attempt, micro: str) -> Attempt:
    """Before each step of that name; before the first that does something to nodes when there is no name. The files are
    fetched whoever is held: who serves them may not be there later."""
    first = next((step for step in attempt.steps if not isinstance(step.step, FetchFiles)), None)
    steps = tuple(
        replace(step, breakpoint=True) if step.name == micro or (not micro and step is first) else step
        for step in attempt.steps
    )
    return replace(attempt, steps=steps)


def _known(plans: Mapping[str, Plan], macro: str) -> Sequence[str]:
    return list(dict.fromkeys(name for plan in plans.values() for name in _names(plan, macro)))


def _names(plan: Plan, macro: str) -> Iterator[str]:
    """What may be named: the macro-steps, or the micro-steps of one."""
    for stage in plan.stages:
        if not macro:
            yield stage.macro
        for attempt in stage.attempts:
            if not macro:
                yield stage.macro + attempt.instance
            elif macro in (stage.macro, stage.macro + attempt.instance):
                yield from (f"{macro}:{step.name}" for step in attempt.steps)
