"""Trips and rows for tests of statistics."""

from __future__ import annotations

from kadeploy.domain.course import MacroTime, StepTime
from kadeploy.domain.state import OperationKind, Progress
from kadeploy.domain.statistics import NodeRow, Trip

NOW = 100 * 86400.0


def step(macro: str, micro: str, seconds: float, *, instance: str = "One", tries: int = 1) -> StepTime:
    return StepTime(macro=macro, instance=instance, micro=micro, seconds=seconds, tries=tries)


def trip(*steps: StepTime, strength: int = 10, image_size: int = 0, retries: int = 0, **more: object) -> Trip:
    macros = {each.macro: each.instance for each in steps}
    known = {"operation": "D-1", "cluster": "c", "started": NOW, "kind": OperationKind.DEPLOYMENT, **more}
    return Trip(
        user="alice",
        strength=strength,
        image_size=image_size,
        environment="debian12",
        version=2,
        owner="root",
        macros=tuple(
            MacroTime(macro=macro, instance=instance, seconds=1.0, limit=0.0, retries=retries)
            for macro, instance in macros.items()
        ),
        steps=steps,
        **known,  # type: ignore[arg-type]
    )


def row(node: str, operation: str, progress: Progress = Progress.OK, *, days: float = 0.0, retries: int = 0) -> NodeRow:
    at = NOW - days * 86400
    own = trip(step("Set", "boot", 1.0), operation=operation, started=at, retries=retries)
    where = ("SetOne", "boot", "no answer") if progress is Progress.KO else ("", "", "")
    return NodeRow(node=node, trip=own, ended=at, progress=progress, macro=where[0], micro=where[1], reason=where[2])
