"""Rights end in the middle of deployments: what they allowed ends with them, and nothing else does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kadeploy.domain.event import NodesAborted
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation
from kadeploy.domain.rights import NO_END, Right
from kadeploy.domain.state import OperationState, Progress
from kadeploy.operations.groups import Groups
from kadeploy.operations.lost_rights import BY, LostRights
from kadeploy.operations.permission import Permission
from kadeploy.operations.waiting_room import WaitingRoom
from kadeploy.testing.clock import run_jumping
from kadeploy.testing.memory_rights import MemoryRights
from kadeploy.testing.sites import request_for
from tests.scenario.world import World

MIDDLE = 60.0  # seconds into a deployment of a few nodes: it is in the broadcast


async def no_consoles() -> None:
    pass


class Guarded:
    """A world in which rights count."""

    def __init__(self, nodes: int, groups: dict[str, list[str]] | None = None) -> None:
        self.world = World(nodes)
        self.rights = MemoryRights()
        self.permission = Permission(self.rights, Groups(groups or {}), self.world.clock)

    @property
    def lost(self) -> LostRights:
        engine, operations = self.world.engine, self.world.operations
        return LostRights(
            rights=self.rights,
            permission=self.permission,
            operations=operations,
            engine=engine,
            waiting_room=WaitingRoom(operations, engine),
            clock=self.world.clock,
            close_consoles=no_consoles,
        )

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Somebody looks for ends of rights."""
        task = asyncio.create_task(self.lost.serve())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def give(self, user: str, nodes: str, *, seconds: float | None = None) -> None:
        until = NO_END if seconds is None else self.world.clock.now() + seconds
        rights = [Right(user=user, node=name, until=until) for name in NodeSet.parse(nodes)]
        await self.rights.grant(rights, overwrite=False, administrators=frozenset())

    async def submit(self, user: str, nodes: str) -> str:
        return await self.world.submit(request_for(NodeSet.parse(nodes)), user=user)

    async def ended(self, operation_id: str) -> Operation:
        await self.world.engine.wait(operation_id)
        return await self.world.operations.get(operation_id)

    def told(self, operation_id: str) -> list[tuple[str, str, str]]:
        return [
            (event.nodes, event.by, event.why)
            for event in self.world.events.all
            if isinstance(event, NodesAborted) and event.operation == operation_id
        ]


def test_a_right_that_ends_takes_its_nodes_out_of_a_deployment_and_leaves_the_others() -> None:
    async def scenario() -> None:
        guarded = Guarded(6)
        await guarded.give("alice", "node-[1-2]", seconds=MIDDLE)
        await guarded.give("alice", "node-[3-4]")
        await guarded.give("bob", "node-[5-6]")
        async with guarded.watched():
            hers, his = await guarded.submit("alice", "node-[1-4]"), await guarded.submit("bob", "node-[5-6]")
            done, other = await guarded.ended(hers), await guarded.ended(his)
        assert done.having(Progress.ABORTED) == NodeSet.parse("node-[1-2]")
        assert done.having(Progress.OK) == NodeSet.parse("node-[3-4]")
        assert other.having(Progress.OK) == NodeSet.parse("node-[5-6]")
        assert guarded.told(hers) == [("node-[1-2]", BY, "alice has no right on node-[1-2] any more")]
        assert guarded.told(his) == []
        assert await guarded.rights.of("alice") == [Right(user="alice", node=f"node-{index}") for index in (3, 4)]
        aborted = next(event for event in guarded.world.events.all if isinstance(event, NodesAborted))
        started = done.created
        assert MIDDLE <= aborted.at - started < MIDDLE + 1, "at its end, not when somebody happens to look"

    run_jumping(scenario())


def test_a_deployment_that_loses_every_node_is_aborted() -> None:
    async def scenario() -> None:
        guarded = Guarded(2)
        await guarded.give("alice", "node-[1-2]", seconds=MIDDLE)
        async with guarded.watched():
            done = await guarded.ended(await guarded.submit("alice", "node-[1-2]"))
        assert done.state is OperationState.ABORTED
        assert not guarded.world.operations.locks

    run_jumping(scenario())


def test_a_right_that_ends_while_no_server_runs_has_its_consequences_at_the_start() -> None:
    async def scenario() -> None:
        guarded = Guarded(3)
        await guarded.give("alice", "node-1", seconds=MIDDLE)
        await guarded.give("alice", "node-[2-3]")
        operation_id = await guarded.submit("alice", "node-[1-3]")
        await asyncio.sleep(MIDDLE / 2)
        await guarded.world.engine.kill()
        await asyncio.sleep(MIDDLE)
        await guarded.world.restart()
        async with guarded.watched():
            done = await guarded.ended(operation_id)
        assert done.having(Progress.ABORTED) == NodeSet.parse("node-1")
        assert done.having(Progress.OK) == NodeSet.parse("node-[2-3]")

    run_jumping(scenario())


def test_a_right_that_is_prolonged_in_time_ends_nothing() -> None:
    async def scenario() -> None:
        guarded = Guarded(2)
        await guarded.give("alice", "node-[1-2]", seconds=MIDDLE)
        async with guarded.watched():
            operation_id = await guarded.submit("alice", "node-[1-2]")
            await asyncio.sleep(MIDDLE - 1)
            await guarded.give("alice", "node-[1-2]", seconds=10 * MIDDLE)
            done = await guarded.ended(operation_id)
        assert done.having(Progress.OK) == NodeSet.parse("node-[1-2]")

    run_jumping(scenario())


def test_what_a_group_allowed_ends_with_the_groups_right() -> None:
    async def scenario() -> None:
        guarded = Guarded(4, groups={"ml": ["alice"]})
        await guarded.give("@ml", "node-[1-2]", seconds=MIDDLE)
        await guarded.give("alice", "node-3")
        async with guarded.watched():
            done = await guarded.ended(await guarded.submit("alice", "node-[1-3]"))
        assert done.having(Progress.ABORTED) == NodeSet.parse("node-[1-2]")
        assert done.having(Progress.OK) == NodeSet.parse("node-3")

    run_jumping(scenario())


def test_revoking_returns_when_nothing_touches_the_nodes_any_more() -> None:
    async def scenario() -> None:
        guarded = Guarded(3)
        await guarded.give("alice", "node-[1-3]")
        operation_id = await guarded.submit("alice", "node-[1-3]")
        await asyncio.sleep(MIDDLE)
        await guarded.rights.revoke([Right(user="alice", node="node-1")])
        await guarded.lost.apply(by="root")
        assert set(guarded.world.operations.locks) == {"node-2", "node-3"}
        assert guarded.told(operation_id) == [("node-1", "root", "alice has no right on node-1 any more")]
        assert (await guarded.ended(operation_id)).having(Progress.OK) == NodeSet.parse("node-[2-3]")

    run_jumping(scenario())
