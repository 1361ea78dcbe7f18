"""`Operation`: one deployment, reboot or power request over its nodes, and what became of each."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import OperationKind, OperationState, Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one node: where it is or failed, why, and what it said (a power state, say)."""

    progress: Progress = Progress.PROCESSING
    macro: str = ""
    micro: str = ""
    reason: str = ""
    output: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`plans` maps a cluster to its plan in JSON form; times are seconds since the epoch, 0 when not yet."""

    id: str
    kind: OperationKind
    user: str
    nodes: NodeSet
    created: float
    ended: float = 0.0
    state: OperationState = OperationState.RUNNING
    error: str = ""
    abort_requested: bool = False
    environment: Mapping[str, object] | None = None
    plans: Mapping[str, object] = field(default_factory=dict)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)

    def having(self, progress: Progress) -> NodeSet:
        return NodeSet(name for name, outcome in self.outcomes.items() if outcome.progress is progress)


def new_operation_id(kind: OperationKind) -> str:
    return f"{kind.prefix}{uuid.uuid4()}"
