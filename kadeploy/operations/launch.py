"""The last act of every use case that starts something: record, take the nodes, begin. All of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from kadeploy.domain.event import OperationQueued
from kadeploy.domain.expected import Expected
from kadeploy.domain.node import Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Once, Operation
from kadeploy.domain.state import OperationKind, OperationState
from kadeploy.domain.timeout import Timeout
from kadeploy.engine.plan import Plan
from kadeploy.errors import ConflictingOptions, InvalidOption, KadeployError, Unavailable
from kadeploy.operations.caller import Caller
from kadeploy.operations.expectations import expectations
from kadeploy.operations.gathering import Gathering
from kadeploy.operations.hooks import EndHooks
from kadeploy.operations.waiting_room import WaitingRoom
from kadeploy.plans import show, show_expected
from kadeploy.plans.breakpoints import hold_before
from kadeploy.plans.codec import encode
from kadeploy.ports.clock import Clock
from kadeploy.ports.engine import Engine
from kadeploy.ports.events import Events
from kadeploy.ports.files import Files
from kadeploy.ports.statistics import Statistics
from kadeploy.ports.store import Created, Operations

Plans = Mapping[str, Plan]


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    """An operation that runs, or with `dry_run` one that was checked in everything and never recorded.

    `counts` is how many nodes each cluster's plan is for, and `expected` how long it will take, which a dry run tells;
    `warnings` what was strange, but not wrong, in the request.
    """

    operation: Operation
    plans: Plans
    counts: Mapping[str, int]
    expected: Mapping[str, Expected | None] = field(default_factory=dict)
    dry_run: bool = False
    warnings: tuple[str, ...] = ()

    def text(self) -> str:
        """The plans for people."""
        return "\n".join(
            f"{cluster} ({_nodes(self.counts[cluster])}):\n{show.text(plan, self.counts[cluster])}\n"
            f"{show_expected.text(self.expected.get(cluster))}"
            for cluster, plan in self.plans.items()
        )

    def shown(self) -> dict[str, object]:
        """The plans for programs, by cluster."""
        return {
            cluster: {
                **show.to_json(plan, self.counts[cluster]),
                "expected": show_expected.to_json(self.expected.get(cluster)),
            }
            for cluster, plan in self.plans.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms an operation begins. `force` takes nodes from other operations, `wait_nodes` waits until they are
    free; `breakpoint` is `MACRO[:micro]`, `hook` asks for the site's command at the end; who asks again with the same
    `once` is told of the same operation."""

    force: bool = False
    wait_nodes: bool = False
    breakpoint: str = ""
    dry_run: bool = False
    hook: bool = False
    once: Once | None = None


USUAL_TERMS: Final = Terms()


class Launcher:
    """Starts an operation whose request has been checked."""

    def __init__(
        self,
        *,
        site: Site,
        operations: Operations,
        events: Events,
        waiting_room: WaitingRoom,
        engine: Engine,
        files: Files,
        hooks: EndHooks,
        statistics: Statistics,
        clock: Clock,
    ) -> None:
        self._site = site
        self._operations = operations
        self._events = events
        self._waiting_room = waiting_room
        self._engine = engine
        self._files = files
        self._hooks = hooks
        self._statistics = statistics
        self._clock = clock

    async def launch(
        self,
        operation_id: str,
        *,
        kind: OperationKind,
        caller: Caller,
        nodes: NodeSet,
        plans: Plans,
        environment: Mapping[str, object] | None = None,
        terms: Terms,
    ) -> Launched:
        """What is kept for the operation is released when it is not recorded.

        Raises InvalidOption, ConflictingOptions, Conflict, Unavailable.
        """
        begun = False
        try:
            plans = agreed(plans, terms)
            operation = Operation(
                id=operation_id,
                kind=kind,
                user=caller.name,
                groups=caller.groups,
                nodes=nodes,
                created=self._clock.now(),
                environment=environment,
                once=terms.once,
                plans={cluster: encode(plan) for cluster, plan in plans.items()},
            )
            if not terms.dry_run:
                await self._hooks.expect(operation_id, kind, caller.name, asked=terms.hook)
                created = await self._operations.create(operation, force=terms.force, wait=terms.wait_nodes)
                await self._begin(operation, created)
                begun = True
        finally:
            if not begun:
                await self._files.release(operation_id)
                await self._hooks.forget(operation_id)
        counts = {cluster: len(some) for cluster, some in self._site.by_cluster(nodes).items()}
        expected = await expectations(self._statistics, kind, plans, counts) if terms.dry_run else {}
        return Launched(operation=operation, plans=plans, counts=counts, expected=expected, dry_run=terms.dry_run)

    async def _begin(self, operation: Operation, created: Created) -> None:
        if created.is_queued:
            await self._events.emit(_queued(operation, created))
            self._waiting_room.look()
            return
        try:
            for event in created.taken:
                await self._engine.overtaken(event)
            await self._engine.start(operation.id)
        except Exception as error:
            at = self._clock.now()
            await self._operations.end(operation.id, OperationState.ERROR, at=at, error=str(error))
            raise error if isinstance(error, KadeployError) else Unavailable(f"it could not begin: {error}") from error


def refuse_contradiction(terms: Terms) -> None:
    """Raises ConflictingOptions."""
    if terms.force and terms.wait_nodes:
        raise ConflictingOptions("force takes nodes at once, wait_nodes waits for them: one of them at most")


def agreed(plans: Plans, terms: Terms) -> Plans:
    """The plans on these terms; raises ConflictingOptions, InvalidOption."""
    refuse_contradiction(terms)
    return hold_before(plans, terms.breakpoint) if terms.breakpoint else plans


def _queued(operation: Operation, created: Created) -> OperationQueued:
    return OperationQueued(
        operation=operation.id,
        at=operation.created,
        user=operation.user,
        nodes=str(operation.nodes),
        behind={other: str(nodes) for other, nodes in created.behind.items()},
    )


def plans_for(site: Site, nodes: NodeSet, build: Callable[[str], Plan]) -> Plans:
    """A plan for each cluster of the nodes; raises what is wrong with any of them, all at once."""
    gathering = Gathering()
    plans: dict[str, Plan] = {}
    for cluster in site.by_cluster(nodes):
        with gathering:
            plans[cluster] = build(cluster)
    gathering.settle()
    return plans


def timeout_of(place: str, formula: str) -> Timeout | None:
    """None when nothing was asked for; raises InvalidOption."""
    try:
        return Timeout(formula) if formula else None
    except InvalidOption as error:
        raise InvalidOption(f"{place}: {error.message}", hint=error.hint) from error


def _nodes(count: int) -> str:
    return f"{count} node{'s' * (count != 1)}"
