"""The operations being carried out by this server, and what people do to them while they run.

Each act is written down first, so that it holds across a restart; then what runs is ended, and only when nothing
touches a node any more is the node given back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from kadeploy.domain.course import Courses
from kadeploy.domain.event import NodesAborted
from kadeploy.domain.node import Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation
from kadeploy.domain.state import Progress
from kadeploy.engine.fetched import fetched_by
from kadeploy.engine.perform import Performer
from kadeploy.engine.plan import Plan
from kadeploy.engine.run import Run

DecodePlan = Callable[[object], Plan]


@dataclass(slots=True, kw_only=True)
class Runs:
    """Loaded from the store when first needed."""

    performer: Performer
    decode: DecodePlan
    live: dict[str, Run] = field(default_factory=dict)

    async def of(self, operation_id: str) -> Run:
        """Raises InvalidWorkflow."""
        if operation_id not in self.live:
            lifted = await self.performer.control.lifted(operation_id)
            steps = await self.performer.record.steps(operation_id)
            operation = await self.performer.operations.get(operation_id)
            if operation.state.is_final:
                return self._load(operation)
            fetched = await fetched_by(self.performer.record, operation)
            run = self.live.setdefault(operation_id, self._load(operation, Courses(steps)))
            run.lifted |= lifted
            if strange := run.nodes - NodeSet(run.site.nodes) - run.withdrawn:
                await self.withdraw(operation_id, strange, by="kadeployd", why="no longer configured as it was planned")
            run.keep(fetched)
        return self.live[operation_id]

    async def withdraw(self, operation_id: str, nodes: NodeSet | None, *, by: str, why: str = "") -> NodeSet:
        """None are all nodes, for good. Those for which it was not too late."""
        run = await self.of(operation_id)
        leaving = run.nodes if nodes is None else nodes & run.nodes
        shared = run.withdraw(leaving)
        at = self.performer.services.clock.now()
        asked = NodesAborted(operation=operation_id, at=at, nodes=str(leaving), by=by, why=why)
        event = await self.performer.control.withdraw(asked, entirely=nodes is None)
        if event is not None:
            await self.performer.events.announce(event)
        await self._end(run, leaving, shared)
        await self.performer.control.release(operation_id)
        return NodeSet.parse(event.nodes) if event is not None else NodeSet()

    async def overtaken(self, event: NodesAborted) -> None:
        """The same for nodes that another operation has taken, which is written down."""
        run = await self.of(event.operation)
        leaving = NodeSet.parse(event.nodes)
        shared = run.withdraw(leaving)
        await self.performer.events.announce(event)
        await self._end(run, leaving, shared)

    async def resume(self, operation_id: str, *, by: str) -> NodeSet:
        run = await self.of(operation_id)
        event = await self.performer.control.resume(operation_id, by=by, at=self.performer.services.clock.now())
        run.lifted = await self.performer.control.lifted(operation_id)
        if event is not None:
            await self.performer.events.announce(event)
        run.tell()
        return NodeSet.parse(event.nodes) if event is not None else NodeSet()

    async def _end(self, run: Run, nodes: NodeSet, shared: NodeSet) -> None:
        """Wait until nothing is done to the nodes; `shared` are in steps that go on for others."""
        if shared:
            await self.performer.services.remote.stop(shared)
        while True:
            news = run.news
            if not run.is_busy_with(nodes):
                return
            await news.wait()

    def _load(self, operation: Operation, courses: Courses | None = None) -> Run:
        return Run(
            operation=operation.id,
            user=operation.user,
            nodes=operation.nodes,
            plans={cluster: self.decode(plan) for cluster, plan in operation.plans.items()},
            site=_as_planned(self.performer.services.site, operation),
            withdrawn=operation.having(Progress.ABORTED),
            courses=courses or Courses(),
        )


def _as_planned(site: Site, operation: Operation) -> Site:
    """The operation's nodes that the plans are for; who is configured anew meanwhile stays here what they are now."""
    nodes = {name: site.nodes[name] for name in operation.nodes if name in site.nodes}
    planned = {name: node for name, node in nodes.items() if node.cluster in operation.plans}
    clusters = {name: site.clusters[name] for name in operation.plans if name in site.clusters}
    return Site(nodes=planned, clusters=clusters)
