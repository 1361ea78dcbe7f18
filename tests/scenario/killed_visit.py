"""A deployment whose server SIGKILL ends behind a chosen visit that it recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kadeploy.domain.event import NodeFailed, NodesDone
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation, new_operation_id
from kadeploy.domain.state import OperationKind
from kadeploy.plans.build import build_deploy
from kadeploy.plans.codec import encode
from kadeploy.ports.record import Conclusion
from kadeploy.store.database import Database
from kadeploy.store.record import SqlRecord
from kadeploy.testing.clock import LoopClock
from kadeploy.testing.nodes import Fault
from kadeploy.testing.sites import request_for, site_of
from tests.scenario.durable_world import durable_world
from tests.scenario.mortal import die

FAULTS = {"node-2": Fault.FIRST_BOOT_FAILS, "node-3": Fault.KEXEC_FAILS}
SITE = site_of(3)
REQUEST = request_for(NodeSet(SITE.nodes))
# Encoded once, in the process that all others are forked from: what it takes to learn how is half of a short life.
PLANS = {name: encode(build_deploy(REQUEST, SITE, name)) for name in SITE.by_cluster(REQUEST.nodes)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """What a server that came to its end tells: how many visits it recorded, the operation, the journal's ends of
    nodes, what each node ran and how often it booted, operations still running, and slots of the window in use."""

    visits: int
    operation: Operation
    ends: tuple[str, ...]
    ran: dict[str, list[str]]
    boots: dict[str, int]
    running: tuple[str, ...]
    slots: int


class FusedRecord(SqlRecord):
    """Counts the visits that it records; kills this process behind the one with the number `last`."""

    def __init__(self, database: Database, freeze: Callable[[], None], last: int) -> None:
        super().__init__(database)
        self.visits = 0
        self._last = last
        self._freeze = freeze

    async def conclude(self, conclusion: Conclusion) -> NodeSet:
        gone = await super().conclude(conclusion)
        self.visits += 1
        if self.visits == self._last:
            self._freeze()
            die()
        return gone


async def deployment(directory: Path, last: int) -> Lived:
    """One server's life on this directory, which ends behind the visit number `last`, if there are so many."""
    records: list[FusedRecord] = []

    def record_of(database: Database, freeze: Callable[[], None]) -> SqlRecord:
        records.append(FusedRecord(database, freeze, last))
        return records[0]

    async with durable_world(directory, SITE, faults=FAULTS, record_of=record_of) as world:
        if world.is_new:
            await world.operations.create(_operation(world.clock))
        (operation,) = await world.operations.list(OperationKind.DEPLOYMENT)
        await world.engine.start(operation.id)
        ends: list[str] = []
        async for _, event in world.events.follow(operation.id):
            ends += _ends_of(event)
        return Lived(
            visits=records[0].visits,
            operation=await world.operations.get(operation.id),
            ends=tuple(sorted(ends)),
            ran={name: list(node.ran) for name, node in world.cluster.nodes.items()},
            boots={name: node.boots for name, node in world.cluster.nodes.items()},
            running=tuple(await world.operations.running()),
            slots=world.cluster.window.used,
        )


def _operation(clock: LoopClock) -> Operation:
    return Operation(
        id=new_operation_id(OperationKind.DEPLOYMENT),
        kind=OperationKind.DEPLOYMENT,
        user="alice",
        nodes=REQUEST.nodes,
        created=clock.now(),
        plans=PLANS,
    )


def _ends_of(event: object) -> list[str]:
    match event:
        case NodesDone(nodes=nodes):
            return list(NodeSet.parse(nodes))
        case NodeFailed(node=node):
            return [node]
    return []
