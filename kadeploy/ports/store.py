"""The repositories: what must outlive the daemon. All times are seconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from kadeploy.domain.boot import BootTarget
from kadeploy.domain.environment import Environment
from kadeploy.domain.event import Event
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation, Outcome
from kadeploy.domain.rights import Right
from kadeploy.domain.state import NodeState, OperationKind, OperationState


class Operations(Protocol):
    async def create(self, operation: Operation, *, force: bool = False) -> None:
        """Record it and take its nodes, in one transaction.

        Raises Conflict naming the nodes that another running operation holds, unless `force`, which takes
        them over.
        """
        ...

    async def get(self, operation_id: str) -> Operation:
        """With its outcomes; raises InvalidWorkflow."""
        ...

    async def list(self, kind: OperationKind) -> Sequence[Operation]:
        """Newest last, those that were forgotten left out; without plans."""
        ...

    async def running(self) -> Sequence[str]:
        """Ids of the operations that are not final."""
        ...

    async def settle(self, operation_id: str, outcomes: Mapping[str, Outcome]) -> None:
        """Record what became of some nodes, and give back those that are no longer processed; idempotent."""
        ...

    async def request_abort(self, operation_id: str) -> None: ...

    async def end(self, operation_id: str, state: OperationState, *, at: float, error: str = "") -> None:
        """Make it final and give back every node; idempotent."""
        ...

    async def forget(self, operation_id: str) -> None:
        """A final operation is no longer listed or found under its id by clients; its journal stays."""
        ...


class Journal(Protocol):
    async def append(self, events: Sequence[Event]) -> None: ...

    async def read(self, operation_id: str, *, after: int = 0, limit: int = 1000) -> Sequence[tuple[int, Event]]:
        """Events with their numbers, which grow by time, those above `after` only."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRecord:
    """What was last made of a node; `environment` is name, version and user, or None."""

    state: NodeState
    user: str
    at: float
    environment: Mapping[str, object] | None = None


class Nodes(Protocol):
    async def get(self, nodes: NodeSet) -> Mapping[str, NodeRecord]:
        """A node never touched is left out."""
        ...

    async def set(self, nodes: NodeSet, record: NodeRecord) -> None: ...


class BootTargets(Protocol):
    async def get_all(self) -> Mapping[str, BootTarget]: ...

    async def set(self, nodes: NodeSet, target: BootTarget) -> None: ...


class Environments(Protocol):
    async def add(self, environment: Environment) -> None:
        """Raises AlreadyExists when (user, name, version) does."""
        ...

    async def find(
        self, *, name: str | None = None, user: str | None = None, version: int | None = None, last: bool = False
    ) -> Sequence[Environment]:
        """Exact name and user unless they contain `%`, which stands for any text; `last` keeps newest versions.
        Ordered by name, user, version."""
        ...

    async def replace(self, environment: Environment) -> None:
        """Overwrite the one with the same (user, name, version)."""
        ...

    async def delete(self, environments: Sequence[Environment]) -> None: ...


class Rights(Protocol):
    async def of(self, user: str | None = None) -> Sequence[Right]:
        """A user's rights, or everybody's."""
        ...

    async def grant(self, rights: Sequence[Right], *, overwrite: bool, administrators: frozenset[str]) -> int:
        """The number that were not held before.

        Raises Conflict when a node is granted to another user who is no administrator, unless `overwrite`, which
        takes it from them; one node is never taken out of their right on every node.
        """
        ...

    async def revoke(self, rights: Sequence[Right]) -> int:
        """Delete exactly these; the number deleted."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """`token_hash` is the token's SHA-256 in hexadecimal; the token itself is kept nowhere."""

    token_hash: str
    issued_at: float


class Tokens(Protocol):
    """What the agent of a node must show: one token a node, replaced at each boot."""

    async def issue(self, node: str, *, at: float, token_hash: str) -> None: ...

    async def current(self, node: str) -> IssuedToken | None: ...

    async def all(self) -> Mapping[str, IssuedToken]: ...
