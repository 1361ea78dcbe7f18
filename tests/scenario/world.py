"""A whole server over the simulated cluster, ready to carry out operations on the jumping clock."""

from __future__ import annotations

from collections.abc import Mapping

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation, new_operation_id
from kadeploy.domain.request import DeployRequest
from kadeploy.domain.state import OperationKind
from kadeploy.engine.carry_out import Runs
from kadeploy.engine.perform import Performer
from kadeploy.engine.walk import Json
from kadeploy.plans.build import build_deploy
from kadeploy.plans.codec import decode, encode
from kadeploy.testing.clock import LoopClock
from kadeploy.testing.cluster import SimulatedCluster
from kadeploy.testing.memory import MemoryEvents, MemoryOperations
from kadeploy.testing.nodes import Fault
from kadeploy.testing.recorder import MemoryEngine
from kadeploy.testing.sites import request_for, site_of


class World:
    """`restart` is what a kill -9 and a start do: only what was recorded is left."""

    def __init__(self, count: int, *, seed: int = 1, faults: Mapping[str, Fault] | None = None) -> None:
        self.site = site_of(count)
        self.clock = LoopClock()
        self.cluster = SimulatedCluster(self.site, self.clock, seed=seed, faults=faults)
        self.operations = MemoryOperations()
        self.events = MemoryEvents()
        self.recorded: dict[str, dict[str, Json]] = {}
        self.engine = self._engine()

    @property
    def nodes(self) -> NodeSet:
        return NodeSet(self.site.nodes)

    async def submit(self, request: DeployRequest | None = None) -> str:
        wanted = request or request_for(self.nodes)
        plans = {name: encode(build_deploy(wanted, self.site, name)) for name in self.site.by_cluster(wanted.nodes)}
        operation = Operation(
            id=new_operation_id(OperationKind.DEPLOYMENT),
            kind=OperationKind.DEPLOYMENT,
            user="alice",
            nodes=wanted.nodes,
            created=self.clock.now(),
            plans=plans,
        )
        await self.operations.create(operation)
        await self.engine.start(operation.id)
        return operation.id

    async def deploy(self, request: DeployRequest | None = None) -> Operation:
        operation_id = await self.submit(request)
        await self.engine.wait(operation_id)
        return await self.operations.get(operation_id)

    async def restart(self) -> None:
        await self.engine.kill()
        self.engine = self._engine()
        for operation_id in await self.operations.running():
            await self.engine.start(operation_id)

    def _engine(self) -> MemoryEngine:
        performer = Performer(services=self.cluster.services, operations=self.operations, events=self.events)
        return MemoryEngine(Runs(performer=performer, decode=decode), self.recorded)
