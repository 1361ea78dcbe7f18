"""Kadeploy3's tables `log` and `nodes`: what operations made of nodes, as our statistics and states have it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from kadeploy.admin.from_kadeploy3 import flag, number, text
from kadeploy.admin.mysql_dump import Row, Value
from kadeploy.domain.automaton import INSTANCES
from kadeploy.domain.course import MacroTime
from kadeploy.domain.state import BUSY, NodeState, OperationKind, Progress
from kadeploy.domain.statistics import STAGES, NodeRow, Trip
from kadeploy.errors import Faults
from kadeploy.ports.store import NodeRecord

_KINDS: Final = {kind.prefix: kind for kind in OperationKind}
_MACRO: Final = {OperationKind.REBOOT: "Reboot", OperationKind.POWER: "Power"}
_UNKNOWN: Final = -1


def past(row: Row, cluster_of: Mapping[str, str]) -> NodeRow:
    """A row of `log`; nodes that this site does not have are of no cluster. Raises Faults."""
    values = row.values
    operation, node = text(values, "wid"), text(values, "hostname")
    kind = _KINDS.get(operation[:2])
    if kind is None or not node:
        raise Faults(["wid: must begin with D-, R- or P-" if kind is None else "hostname: is empty"])
    macros = tuple(macro for step in range(1, STAGES + 1) if (macro := _macro(values, kind, step)))
    name, _, version = text(values, "env").rpartition(":")
    started = float(number(values, "start"))
    trip = Trip(
        operation=operation,
        kind=kind,
        user=text(values, "user"),
        cluster=cluster_of.get(node, ""),
        started=started,
        environment=name or version if kind is not OperationKind.POWER else "",
        version=int(version) if name and version.isdecimal() else 0,
        macros=macros,
    )
    is_ok = flag(values, "success")
    return NodeRow(
        node=node,
        trip=trip,
        ended=started + trip.seconds,
        progress=Progress.OK if is_ok else Progress.KO,
        reason="" if is_ok else text(values, "error") or "not told by Kadeploy3",
    )


def state(row: Row, environments: Mapping[int, Row]) -> NodeRecord | None:
    """A row of `nodes`; None for one that was busy there. Raises Faults."""
    values = row.values
    said = text(values, "state")
    if said not in list(NodeState):
        raise Faults([f"state: {said!r} is not a state of a node"])
    if NodeState(said) in BUSY.values():
        return None
    described = environments.get(number(values, "env_id")) if text(values, "env_id") else None
    return NodeRecord(
        state=NodeState(said),
        user=text(values, "user"),
        at=float(number(values, "date")),
        environment={
            "name": text(described.values, "name"),
            "version": number(described.values, "version") or 1,
            "user": text(described.values, "user"),
        }
        if described
        else None,
    )


def _macro(values: Mapping[str, Value], kind: OperationKind, step: int) -> MacroTime | None:
    said = text(values, f"step{step}")
    if not said:
        return None
    macro = next((name for name in INSTANCES if said.startswith(name)), "") or _MACRO.get(kind, said)
    return MacroTime(
        macro=macro,
        instance=said.removeprefix(macro),
        seconds=_seconds(values, f"step{step}_duration"),
        limit=_seconds(values, f"timeout_step{step}"),
        retries=int(_seconds(values, f"retry_step{step}")),
    )


def _seconds(values: Mapping[str, Value], key: str) -> float:
    """0 for what is no number: a formula has been there, too."""
    try:
        found = float(text(values, key) or 0)
    except ValueError:
        return 0.0
    return found if math.isfinite(found) and found >= 0 else 0.0
