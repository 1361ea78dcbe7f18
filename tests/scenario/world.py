"""A whole server over the simulated cluster, ready to carry out operations on the jumping clock."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from kadeploy.domain.event import Event
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation, new_operation_id
from kadeploy.domain.request import DeployRequest
from kadeploy.domain.state import OperationKind
from kadeploy.drivers.window import SlotWindow
from kadeploy.engine.perform import Performer
from kadeploy.engine.runs import Runs
from kadeploy.engine.walk import Json
from kadeploy.live_site import LiveSite
from kadeploy.operations.pins import PinRelease
from kadeploy.plans.breakpoints import hold_before
from kadeploy.plans.build import build_deploy
from kadeploy.plans.codec import decode, encode
from kadeploy.testing.clock import LoopClock
from kadeploy.testing.cluster import USUAL, SimulatedCluster
from kadeploy.testing.memory import MemoryEvents
from kadeploy.testing.memory_operations import MemoryOperations
from kadeploy.testing.nodes import Fault
from kadeploy.testing.recorder import MemoryEngine
from kadeploy.testing.sites import request_for, site_of
from kadeploy.testing.timing import Timing
from tests.scenario.larder import Larder


class World:
    """`restart` is what a kill -9 and a start do: only what was recorded is left."""

    def __init__(
        self,
        count: int,
        *,
        seed: int = 1,
        faults: Mapping[str, Fault] | None = None,
        window: SlotWindow | None = None,
        timing: Timing = USUAL,
        larder: Larder | None = None,
        clusters: int = 1,
    ) -> None:
        self.live = LiveSite(site_of(count, clusters=clusters))
        self.site = self.live.site
        self.clock = LoopClock()
        self.cluster = SimulatedCluster(self.site, self.clock, seed=seed, faults=faults, window=window, timing=timing)
        self.events = MemoryEvents()
        self.larder = larder
        if larder is not None:
            self.cluster.services = replace(self.cluster.services, fetcher=larder.fetching)
            self.events.listeners.append(PinRelease(larder))
        self.operations = MemoryOperations(self.events.all)
        self.recorded: dict[str, dict[str, Json]] = {}
        self.engine = self._engine()

    @property
    def nodes(self) -> NodeSet:
        return NodeSet(self.site.nodes)

    async def submit(
        self,
        request: DeployRequest | None = None,
        *,
        user: str = "alice",
        breakpoint: str = "",
        force: bool = False,
        wait: bool = False,
    ) -> str:
        wanted = request or request_for(self.nodes)
        built = {name: build_deploy(wanted, self.site, name) for name in self.site.by_cluster(wanted.nodes)}
        held = hold_before(built, breakpoint) if breakpoint else built
        plans = {name: encode(plan) for name, plan in held.items()}
        operation = Operation(
            id=new_operation_id(OperationKind.DEPLOYMENT),
            kind=OperationKind.DEPLOYMENT,
            user=user,
            nodes=wanted.nodes,
            created=self.clock.now(),
            plans=plans,
        )
        created = await self.operations.create(operation, force=force, wait=wait)
        for event in created.taken:
            await self.engine.overtaken(event)
        if not created.is_queued:
            await self.engine.start(operation.id)
        return operation.id

    async def until(self, kind: type[Event], operation_id: str) -> None:
        """The operation's first event of that kind has been told."""
        async for _, event in self.events.follow(operation_id):
            if isinstance(event, kind):
                return

    async def deploy(self, request: DeployRequest | None = None) -> Operation:
        operation_id = await self.submit(request)
        await self.engine.wait(operation_id)
        return await self.operations.get(operation_id)

    async def locked(self) -> Collection[str]:
        """Nodes that an operation has."""
        return self.operations.locks

    async def restart(self) -> None:
        await self.engine.kill()
        self.engine = self._engine()
        if self.larder is not None:
            await self.larder.reopen([*await self.operations.running(), *await self.operations.queued()])
        for operation_id in await self.operations.running():
            await self.engine.start(operation_id)

    def _engine(self) -> MemoryEngine:
        return MemoryEngine(self.runs(), self.recorded)

    def runs(self) -> Runs:
        performer = Performer(
            services=self.cluster.services,
            operations=self.operations,
            record=self.operations,
            control=self.operations,
            events=self.events,
        )
        return Runs(performer=performer, decode=decode)
