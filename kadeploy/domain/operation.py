"""`Operation`: one deployment, reboot or power request over its nodes, and what became of each."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import OperationKind, OperationState, Progress


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one node: where it is or failed, why, and what it said (a power state, say).

    `tried` says in words what its last macro-step's instances were and how often each was tried.
    """

    progress: Progress = Progress.PROCESSING
    macro: str = ""
    micro: str = ""
    reason: str = ""
    output: str = ""
    tried: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """A request that may come twice and is to be carried out once: `key` is its user's word for it, `digest` the
    SHA-256 of what it asks for."""

    key: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """An operation but for its nodes, of which there may be ten thousand. Times are seconds since the epoch, 0 when not
    yet.

    `aborted_by` is the user who asked for its end, empty while nobody has. `groups` are those that the user's token
    said they are in: with rights of theirs it may have begun.
    """

    id: str
    kind: OperationKind
    user: str
    created: float
    ended: float = 0.0
    state: OperationState = OperationState.RUNNING
    error: str = ""
    aborted_by: str = ""
    groups: tuple[str, ...] = ()
    once: Once | None = None
    environment: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation(Head):
    """`plans` maps a cluster to its plan in JSON form."""

    nodes: NodeSet
    plans: Mapping[str, object] = field(default_factory=dict)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)

    @property
    def is_held(self) -> bool:
        """Whether nothing of it runs: every node that has not ended is held at a breakpoint."""
        left = {outcome.progress for outcome in self.outcomes.values() if not outcome.progress.is_final}
        return self.state is OperationState.RUNNING and left == {Progress.HELD}

    @property
    def unfinished(self) -> NodeSet:
        return NodeSet(name for name, outcome in self.outcomes.items() if not outcome.progress.is_final)

    def having(self, progress: Progress) -> NodeSet:
        return NodeSet(name for name, outcome in self.outcomes.items() if outcome.progress is progress)


def new_operation_id(kind: OperationKind) -> str:
    return f"{kind.prefix}{uuid.uuid4()}"
