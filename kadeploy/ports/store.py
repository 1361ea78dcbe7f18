"""The repositories: what must outlive the daemon. All times are seconds since the epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from kadeploy.domain.api_token import ApiToken
from kadeploy.domain.audit import AuditEntry
from kadeploy.domain.boot import BootTarget
from kadeploy.domain.boot_times import Way
from kadeploy.domain.environment import Environment
from kadeploy.domain.event import Event, NodesAborted, OperationEnded
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Head, Once, Operation
from kadeploy.domain.rights import Right
from kadeploy.domain.state import NodeState, OperationKind, OperationState


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """How an operation begins. `behind` maps operations to the nodes that it has to wait for; `taken` are the events
    of the operations whose nodes it has taken over."""

    is_queued: bool = False
    behind: Mapping[str, NodeSet] = field(default_factory=dict)
    taken: Sequence[NodesAborted] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpse:
    """An operation without its nodes; as long as it is the same, so is the operation. `number` is that of its last
    event: what becomes of a node, and the end of all, is recorded with the event of it."""

    head: Head
    number: int


class Operations(Protocol):
    async def create(self, operation: Operation, *, force: bool = False, wait: bool = False) -> Created:
        """Record it and take its nodes, in one transaction.

        Raises Conflict naming the nodes that another operation holds or has been waiting for, unless `force`, which
        takes over what is held (it has ended there as aborted, and the event of it is in the journal), or `wait`,
        which records it as queued, without nodes. Raises AlreadyExists when its user has used its key before.
        """
        ...

    async def admit(self) -> Sequence[str]:
        """Give queued operations their nodes and make them running, first come first served: one that waits keeps
        those behind it off all its nodes. The ids of those that were let in, in their order."""
        ...

    async def get(self, operation_id: str, *, even_forgotten: bool = False) -> Operation:
        """With its outcomes; raises InvalidWorkflow, also when it was forgotten."""
        ...

    async def glimpse(self, operation_id: str, *, even_forgotten: bool = False) -> Glimpse:
        """Cheap, however many nodes it has; raises as `get` does."""
        ...

    async def repeated(self, user: str, key: str) -> Operation | None:
        """The user's operation that was created under that key, also when it was forgotten."""
        ...

    async def glimpses(self, kind: OperationKind) -> Sequence[Glimpse]:
        """Of those that `list` lists, in its order."""
        ...

    async def list(self, kind: OperationKind) -> Sequence[Operation]:
        """Newest last, those that were forgotten left out; without plans."""
        ...

    async def counts(self) -> Mapping[tuple[OperationKind, OperationState], int]:
        """How many are kept, those that were forgotten among them."""
        ...

    async def running(self) -> Sequence[str]:
        """Ids of the operations that hold nodes."""
        ...

    async def queued(self) -> Sequence[str]:
        """Ids of the operations that wait for nodes, those that came first in front."""
        ...

    async def end(self, operation_id: str, state: OperationState, *, at: float, error: str = "") -> OperationEnded:
        """Make it final, give back every node, and record the event of it. When it has ended before, nothing changes;
        the answer is the event as it was recorded."""
        ...

    async def forget(self, operation_id: str) -> None:
        """A final operation is no longer listed or found under its id by clients; its journal stays."""
        ...

    async def prune(self, before: float) -> Sequence[str]:
        """Delete what is kept of some operations that ended before then, with their journal; their ids, none when
        none are left."""
        ...


class BootTimes(Protocol):
    """How long nodes took to boot, for each cluster and way of booting."""

    async def record(self, cluster: str, way: Way, seconds: Mapping[str, float], *, at: float) -> None:
        """What one wait has seen of each node; of the oldest waits only statistics know after it."""
        ...

    async def recent(self, cluster: str, way: Way) -> Sequence[float]:
        """Of the waits that are kept, in no order."""
        ...


BATCH: Final = 1000  # events read at once


class Journal(Protocol):
    async def append(self, events: Sequence[Event]) -> None: ...

    async def read(self, operation_id: str, *, after: int = 0, limit: int = BATCH) -> Sequence[tuple[int, Event]]:
        """Events with their numbers, which grow by time, those above `after` only; less than `limit`: there are no
        more."""
        ...

    async def read_each(self, after: Mapping[str, int]) -> Sequence[tuple[int, Event]]:
        """All events of these operations above the number of each, in one order: for many of which little is new."""
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

    async def counts(self) -> Mapping[NodeState, int]:
        """How many nodes are in each state."""
        ...


class BootTargets(Protocol):
    async def get_all(self) -> Mapping[str, BootTarget]: ...

    async def set(self, nodes: NodeSet, target: BootTarget) -> None: ...


class Environments(Protocol):
    async def add(self, environment: Environment) -> None:
        """Raises AlreadyExists when (user, name, version) does."""
        ...

    async def find(
        self,
        *,
        name: str | None = None,
        alias: str | None = None,
        user: str | None = None,
        version: int | None = None,
        last: bool = False,
    ) -> Sequence[Environment]:
        """Exact name, alias and user unless they contain `%`, which stands for any text; `last` keeps newest versions.
        Ordered by name, user, version."""
        ...

    async def replace(self, environments: Sequence[Environment]) -> None:
        """Overwrite those with the same (user, name, version), all of them or none.

        Raises InvalidEnvironment when there is no such one.
        """
        ...

    async def delete(self, environments: Sequence[Environment]) -> None: ...


class Rights(Protocol):
    async def of(self, *users: str) -> Sequence[Right]:
        """The rights of these users and groups (`@` in front), or everybody's; also those that are to come, and those
        that have ended and were not expired yet."""
        ...

    async def grant(
        self, rights: Sequence[Right], *, overwrite: bool, administrators: frozenset[str], dry_run: bool = False
    ) -> int:
        """The number that were not held before; a dry run changes nothing.

        Raises Conflict when in some of the time a node is granted to another user who is no administrator, unless
        `overwrite`, which ends theirs when the new one begins; one node is never taken out of their right on every
        node. A right that the user has on the same node and partition in some of the time is replaced.
        """
        ...

    async def revoke(self, rights: Sequence[Right]) -> int:
        """Delete exactly these; the number deleted."""
        ...

    async def expire(self, at: float) -> Sequence[Right]:
        """Delete those that have ended by then; which they were."""
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


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnswer:
    """What a user's request was answered, as JSON can carry it; `at` in seconds since the epoch."""

    user: str
    once: Once
    at: float
    answer: Any


class Answers(Protocol):
    """Answers to requests that may be repeated, by their users' keys."""

    async def get(self, user: str, key: str) -> KeptAnswer | None: ...

    async def keep(self, answer: KeptAnswer, *, forget_before: float) -> None:
        """And forget those that are older."""
        ...


class ApiTokens(Protocol):
    """The tokens that people and programs show to the API."""

    async def add(self, token: ApiToken) -> None: ...

    async def get(self, token_id: str) -> ApiToken | None: ...

    async def of(self, user: str | None = None) -> Sequence[ApiToken]:
        """A user's, or everybody's, oldest first; also those that have expired."""
        ...

    async def mark_used(self, token_id: str, *, at: float) -> None: ...

    async def delete(self, token_id: str) -> None: ...


class Audit(Protocol):
    """What is written down, to which is only ever added."""

    async def add(self, entry: AuditEntry) -> None: ...

    async def read(
        self, *, user: str | None = None, since: float = 0.0, node: str | None = None, limit: int = 1000
    ) -> Sequence[AuditEntry]:
        """The newest that fit, oldest first."""
        ...


class DueHooks(Protocol):
    """Operations at whose end the site's command is to be run."""

    async def add(self, operation_id: str, user: str) -> None: ...

    async def all(self) -> Mapping[str, str]:
        """The user of each."""
        ...

    async def remove(self, operation_id: str) -> None:
        """It has been run, or never will be; nothing happens for an unknown one."""
        ...
