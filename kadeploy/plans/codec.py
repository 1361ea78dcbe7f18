"""A plan as JSON and back: what is stored, so that a restarted server goes on with the very plan that was begun."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from kadeploy.domain.timeout import Timeout
from kadeploy.engine.plan import Attempt, Plan, Stage
from kadeploy.ports.step import Step
from kadeploy.steps import CATALOGUE


def encode(plan: Plan) -> dict[str, object]:
    return {
        "adapted": list(plan.adapted),
        "stages": [
            {"macro": stage.macro, "attempts": [_encode_attempt(attempt) for attempt in stage.attempts]}
            for stage in plan.stages
        ],
    }


def decode(data: Any) -> Plan:
    """The inverse of `encode`; raises KeyError or ValueError on what `encode` cannot have written."""
    return Plan(
        adapted=tuple(data["adapted"]),
        stages=tuple(
            Stage(macro=stage["macro"], attempts=tuple(_decode_attempt(attempt) for attempt in stage["attempts"]))
            for stage in data["stages"]
        ),
    )


def _encode_attempt(attempt: Attempt) -> dict[str, object]:
    return {
        "instance": attempt.instance,
        "retries": attempt.retries,
        "timeout": attempt.timeout.formula,
        "steps": [{"step": step.name, **_adapter(type(step)).dump_python(step, mode="json")} for step in attempt.steps],
    }


def _decode_attempt(data: Mapping[str, Any]) -> Attempt:
    return Attempt(
        instance=data["instance"],
        retries=data["retries"],
        timeout=Timeout(data["timeout"]),
        steps=tuple(_decode_step(step) for step in data["steps"]),
    )


def _decode_step(data: Mapping[str, Any]) -> Step:
    options = {key: value for key, value in data.items() if key != "step"}
    step: Step = _adapter(CATALOGUE[data["step"]]).validate_python(options)
    return step


@cache
def _adapter(kind: type[Step]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
