"""The fields of a row of statistics: Kadeploy3's, in its order and with its values, and ours behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from kadeploy.domain.course import MacroTime
from kadeploy.domain.state import Progress
from kadeploy.domain.statistics import NodeRow

Field = Callable[[NodeRow], object]
_NONE: Final = MacroTime(macro="", instance="", seconds=0.0, limit=0.0, retries=0)


def _macro(number: int, row: NodeRow) -> MacroTime:
    return row.trip.macros[number - 1] if number <= len(row.trip.macros) else _NONE


def _step(number: int, row: NodeRow) -> str:
    macro = _macro(number, row)
    return row.trip.called(macro) if macro.macro else ""


def _limit(number: int, row: NodeRow) -> int:
    return round(_macro(number, row).limit)


def _retries(number: int, row: NodeRow) -> int:
    return _macro(number, row).retries


def _seconds(number: int, row: NodeRow) -> int:
    return round(_macro(number, row).seconds)


def _env(row: NodeRow) -> str:
    return f"{row.trip.environment}:{row.trip.version}" if row.trip.environment else ""


def _steps(row: NodeRow) -> list[dict[str, object]]:
    return [
        {
            "macro": step.macro,
            "instance": step.instance,
            "micro": step.micro,
            "seconds": step.seconds,
            "tries": step.tries,
        }
        for step in row.trip.steps
    ]


def _each(prefix: str, of: Callable[[int, NodeRow], object], suffix: str = "") -> Mapping[str, Field]:
    return {f"{prefix}{number}{suffix}": partial(of, number) for number in (1, 2, 3)}


ORIGINAL: Final[Mapping[str, Field]] = {
    "wid": lambda row: row.trip.operation,
    "user": lambda row: row.trip.user,
    "hostname": lambda row: row.node,
    **_each("step", _step),
    **_each("timeout_step", _limit),
    **_each("retry_step", _retries),
    "start": lambda row: int(row.trip.started),
    **_each("step", _seconds, "_duration"),
    "env": _env,
    "md5": lambda row: "",  # Kadeploy3 has the field, and never fills it; `image_sha256` is what it was meant for
    "success": lambda row: row.progress is Progress.OK,
    "error": lambda row: row.error,
}
FIELDS: Final[Mapping[str, Field]] = {
    **ORIGINAL,
    "kind": lambda row: row.trip.kind.value,
    "cluster": lambda row: row.trip.cluster,
    "owner": lambda row: row.trip.owner,
    "end": lambda row: int(row.ended),
    "duration": lambda row: round(row.trip.seconds, 1),
    "retries": lambda row: row.trip.retries,
    "outcome": lambda row: row.progress.value,
    "failed_macro": lambda row: row.macro if row.progress is Progress.KO else "",
    "failed_micro": lambda row: row.micro if row.progress is Progress.KO else "",
    "image_size": lambda row: row.trip.image_size,
    "image_sha256": lambda row: row.trip.image_sha256,
    "nodes": lambda row: row.trip.strength,
    "steps": _steps,
}
