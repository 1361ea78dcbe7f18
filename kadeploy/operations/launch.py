"""The last act of every use case that starts something: record, take the nodes, begin. All of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kadeploy.domain.node import Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation
from kadeploy.domain.state import OperationKind, OperationState
from kadeploy.domain.timeout import Timeout
from kadeploy.engine.plan import Plan
from kadeploy.errors import KadeployError, Unavailable
from kadeploy.operations.gathering import Gathering
from kadeploy.operations.outcomes import NodeStates
from kadeploy.plans.codec import encode
from kadeploy.ports.clock import Clock
from kadeploy.ports.engine import Engine
from kadeploy.ports.files import Files
from kadeploy.ports.store import Operations

Plans = Mapping[str, Plan]


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    """An operation that runs, or with `dry_run` one that was checked in everything and never recorded."""

    operation: Operation
    plans: Plans
    dry_run: bool = False

    def text(self) -> str:
        """The plans for people."""
        return "\n".join(f"{cluster}:\n{plan}" for cluster, plan in self.plans.items())


class Launcher:
    """Starts an operation whose request has been checked."""

    def __init__(
        self, *, operations: Operations, states: NodeStates, engine: Engine, files: Files, clock: Clock
    ) -> None:
        self._operations = operations
        self._states = states
        self._engine = engine
        self._files = files
        self._clock = clock

    async def launch(
        self,
        operation_id: str,
        *,
        kind: OperationKind,
        user: str,
        nodes: NodeSet,
        plans: Plans,
        environment: Mapping[str, object] | None = None,
        force: bool = False,
        dry_run: bool = False,
    ) -> Launched:
        """Files pinned for the operation are released when it does not start; raises Conflict, Unavailable."""
        operation = Operation(
            id=operation_id,
            kind=kind,
            user=user,
            nodes=nodes,
            created=self._clock.now(),
            environment=environment,
            plans={cluster: encode(plan) for cluster, plan in plans.items()},
        )
        begun = False
        try:
            if not dry_run:
                await self._operations.create(operation, force=force)
                await self._begin(operation)
                begun = True
        finally:
            if not begun:
                await self._files.release(operation_id)
        return Launched(operation=operation, plans=plans, dry_run=dry_run)

    async def _begin(self, operation: Operation) -> None:
        try:
            await self._states.begin(operation)
            await self._engine.start(operation.id)
        except Exception as error:
            at = self._clock.now()
            await self._operations.end(operation.id, OperationState.ERROR, at=at, error=str(error))
            raise error if isinstance(error, KadeployError) else Unavailable(f"it could not begin: {error}") from error


def plans_for(site: Site, nodes: NodeSet, build: Callable[[str], Plan]) -> Plans:
    """A plan for each cluster of the nodes; raises what is wrong with any of them, all at once."""
    gathering = Gathering()
    plans: dict[str, Plan] = {}
    for cluster in site.by_cluster(nodes):
        with gathering:
            plans[cluster] = build(cluster)
    gathering.settle()
    return plans


def timeout_of(formula: str) -> Timeout | None:
    """None when nothing was asked for; raises InvalidOption."""
    return Timeout(formula) if formula else None
