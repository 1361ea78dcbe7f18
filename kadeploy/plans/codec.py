"""A plan as JSON and back: what is stored, so that a restarted server goes on with the very plan that was begun."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from kadeploy.domain.timeout import Timeout
from kadeploy.engine.plan import Attempt, Micro, Plan, Stage
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
        "raisable": attempt.raisable,
        "steps": [_encode_micro(micro) for micro in attempt.steps],
    }


def _encode_micro(micro: Micro) -> dict[str, object]:
    return {
        "step": micro.name,
        "retries": micro.retries,
        "timeout": micro.timeout.formula,
        "raisable": micro.raisable,
        "breakpoint": micro.breakpoint,
        "options": _adapter(type(micro.step)).dump_python(micro.step, mode="json"),
    }


def _decode_attempt(data: Mapping[str, Any]) -> Attempt:
    return Attempt(
        instance=data["instance"],
        retries=data["retries"],
        timeout=Timeout(data["timeout"]),
        raisable=data["raisable"],
        steps=tuple(_decode_micro(micro) for micro in data["steps"]),
    )


def _decode_micro(data: Mapping[str, Any]) -> Micro:
    kind = data["step"].partition(":")[0]  # behind it a custom operation's own name
    step: Step = _adapter(CATALOGUE[kind]).validate_python(data["options"])
    return Micro(
        step=step,
        retries=data["retries"],
        timeout=Timeout(data["timeout"]),
        raisable=data["raisable"],
        breakpoint=data["breakpoint"],
    )


@cache
def _adapter(kind: type[Step]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
