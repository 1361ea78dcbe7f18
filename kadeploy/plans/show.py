"""A plan for people and for programs, with its timeouts as they are for so many nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from kadeploy.domain.timeout import Timeout
from kadeploy.engine.plan import Attempt, Micro, Plan


def text(plan: Plan, nodes: int) -> str:
    """A line a step; a number of seconds that ends in `s` bounds one try."""
    return "\n".join(_lines(plan, nodes))


def to_json(plan: Plan, nodes: int) -> dict[str, Any]:
    """`timeout` in seconds, null where there is none; `formula` as it was written."""
    return {
        "nodes": nodes,
        "adapted": list(plan.adapted),
        "macro_steps": [
            {
                "name": stage.macro,
                "raisable": stage.raisable,
                "instances": [_attempt(attempt, nodes) for attempt in stage.attempts],
            }
            for stage in plan.stages
        ],
    }


def _attempt(attempt: Attempt, nodes: int) -> dict[str, Any]:
    return {
        "name": attempt.instance,
        "retries": attempt.retries,
        "timeout": attempt.timeout.seconds(nodes) or None,
        "formula": attempt.timeout.formula,
        "micro_steps": [
            {
                "name": micro.name,
                "retries": micro.retries,
                "timeout": longest(micro, nodes),
                "raisable": micro.raisable,
                "breakpoint": micro.breakpoint,
            }
            for micro in attempt.steps
        ],
    }


def longest(micro: Micro, nodes: int) -> float | None:
    """Seconds that one try may take, None where nothing says; less if the attempt's time ends before."""
    configured = micro.timeout.seconds(nodes) or None
    own = _own_timeout(micro, nodes)
    if configured is None:
        return own
    formula = isinstance(_field(micro, "timeout"), Timeout)
    return min(configured, own) if formula and own is not None else configured


def _own_timeout(micro: Micro, nodes: int) -> float | None:
    match _field(micro, "timeout"):
        case Timeout() as formula:
            return formula.seconds(nodes) or None
        case float() | int() as seconds:
            return float(seconds)
    return None


def _field(micro: Micro, name: str) -> object:
    known: Mapping[str, object] = {
        entry.name: getattr(micro.step, entry.name)
        for entry in fields(micro.step)  # type: ignore[arg-type]
    }
    return known.get(name)


def _lines(plan: Plan, nodes: int) -> Iterator[str]:
    for stage in plan.stages:
        for index, attempt in enumerate(stage.attempts):
            yield f"{stage.macro}: {attempt.instance}{_about_attempt(attempt, nodes, is_fallback=index > 0)}"
            for micro in attempt.steps:
                if micro.breakpoint:
                    yield "    nodes are held here until they are resumed"
                yield f"    {micro.name}{_about_micro(micro, nodes)}"
        if not stage.raisable:
            yield "    nobody goes on before all are through"
    if plan.adapted:
        yield "Adapted:"
        for sentence in plan.adapted:
            yield f"    {sentence}"


def _about_attempt(attempt: Attempt, nodes: int, *, is_fallback: bool) -> str:
    limit = attempt.timeout.seconds(nodes)
    said = [
        *(["if that fails"] if is_fallback else []),
        *([_retries(attempt.retries)] if attempt.retries else []),
        *([f"at most {limit:.0f} s"] if limit else []),
    ]
    return f" ({', '.join(said)})" if said else ""


def _about_micro(micro: Micro, nodes: int) -> str:
    limit = longest(micro, nodes)
    said = [
        *([f"{limit:.0f} s"] if limit else []),
        *([_retries(micro.retries)] if micro.retries else []),
        *(["together"] if not micro.raisable else []),
    ]
    return f"  {', '.join(said)}" if said else ""


def _retries(count: int) -> str:
    return "1 retry" if count == 1 else f"{count} retries"
