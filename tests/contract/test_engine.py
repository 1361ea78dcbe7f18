"""What every engine must do, on the in-memory twin and on the durable one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from kadeploy.domain.event import NodesDone, NodesHeld, OperationStarted
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation
from kadeploy.domain.state import OperationState, Progress
from kadeploy.engine.durable import DurableEngine
from kadeploy.testing.clock import run_jumping
from kadeploy.testing.nodes import Fault
from kadeploy.testing.sites import request_for
from tests.scenario.fuse import FusedOperations
from tests.scenario.world import World

Scenario = Callable[[World], Awaitable[Operation]]


def on_memory(_: Path, world: Callable[[], World], scenario: Scenario) -> Operation:
    async def run() -> Operation:
        return await scenario(world())

    return run_jumping(run())


def on_dbos(tmp_path: Path, world: Callable[[], World], scenario: Scenario) -> Operation:
    async def run() -> Operation:
        made = world()
        engine = DurableEngine(made.engine.runs, url=f"sqlite:///{tmp_path}/durable.sqlite")
        await engine.launch()
        try:
            made.engine = engine  # type: ignore[assignment]
            return await scenario(made)
        finally:
            await engine.close()

    return run_jumping(run())


@pytest.mark.parametrize("engine", [on_memory, on_dbos])
class TestEngine:
    def test_a_deployment_ends_with_every_node_settled(self, engine: Callable[..., Operation], tmp_path: Path) -> None:
        faults = {"node-3": Fault.NEVER_BOOTS, "node-5": Fault.FIRST_BOOT_FAILS}
        operation = engine(tmp_path, lambda: World(8, faults=faults), deploy)
        assert operation.state is OperationState.DONE
        assert str(operation.having(Progress.KO)) == "node-3"
        assert len(operation.having(Progress.OK)) == 7

    @pytest.mark.parametrize("slow", ["node-1", "node-6"])
    def test_an_operation_ends_when_its_last_cluster_has(
        self, engine: Callable[..., Operation], slow: str, tmp_path: Path
    ) -> None:
        world = partial(World, 6, clusters=3, faults={slow: Fault.FIRST_BOOT_FAILS})
        operation = engine(tmp_path, world, deploy)
        assert operation.state is OperationState.DONE
        assert len(operation.having(Progress.OK)) == 6

    def test_starting_twice_is_starting_once(self, engine: Callable[..., Operation], tmp_path: Path) -> None:
        operation = engine(tmp_path, lambda: World(2), deploy_started_twice)
        assert len(operation.having(Progress.OK)) == 2

    def test_an_abort_returns_when_all_has_ended(self, engine: Callable[..., Operation], tmp_path: Path) -> None:
        operation = engine(tmp_path, lambda: World(3), aborted_at_once)
        assert operation.state is OperationState.ABORTED
        assert len(operation.having(Progress.ABORTED)) == 3

    def test_held_nodes_wait_until_they_are_resumed(self, engine: Callable[..., Operation], tmp_path: Path) -> None:
        operation = engine(tmp_path, lambda: World(3), held_and_resumed)
        assert len(operation.having(Progress.OK)) == 3

    def test_what_is_held_can_be_aborted(self, engine: Callable[..., Operation], tmp_path: Path) -> None:
        operation = engine(tmp_path, lambda: World(2), aborted_while_held)
        assert (operation.state, operation.error) == (OperationState.ABORTED, "aborted by bob")

    def test_one_node_is_withdrawn(self, engine: Callable[..., Operation], tmp_path: Path) -> None:
        operation = engine(tmp_path, lambda: World(3), node_2_is_withdrawn)
        assert operation.state is OperationState.DONE
        assert str(operation.having(Progress.ABORTED)) == "node-2"
        assert str(operation.having(Progress.OK)) == "node-[1,3]"

    def test_nodes_are_taken_over(self, engine: Callable[..., Operation], tmp_path: Path) -> None:
        operation = engine(tmp_path, lambda: World(3), node_3_is_taken_over)
        assert str(operation.having(Progress.ABORTED)) == "node-3"
        assert str(operation.having(Progress.OK)) == "node-[1-2]"

    def test_an_abort_of_what_has_ended_changes_nothing(self, engine: Callable[..., Operation], tmp_path: Path) -> None:
        operation = engine(tmp_path, lambda: World(1), aborted_too_late)
        assert (operation.state, operation.aborted_by) == (OperationState.DONE, "")

    def test_nothing_is_kept_of_what_is_forgotten(self, engine: Callable[..., Operation], tmp_path: Path) -> None:
        operation = engine(tmp_path, lambda: World(1), ended_and_forgotten)
        assert operation.state is OperationState.DONE


KILLED_AT = range(1, 100, 9)  # every ninth of the store's calls; the whole matrix is the in-memory twin's


@pytest.mark.parametrize("left", KILLED_AT)
def test_the_durable_engine_goes_on_where_it_was_killed(left: int, tmp_path: Path) -> None:
    """The tasks of the engine end in the middle of whatever they do, and a new engine opens the same database."""

    async def scenario() -> World:
        world = World(2, faults={"node-2": Fault.FIRST_BOOT_FAILS})
        fused = FusedOperations(world.events.all, left)
        world.operations = fused
        runs = world.runs()
        url = f"sqlite:///{tmp_path}/durable.sqlite"
        engine = DurableEngine(runs, url=url)
        await engine.launch()
        world.engine = engine  # type: ignore[assignment]
        before = asyncio.all_tasks()
        submitting = asyncio.create_task(world.submit())
        await fused.blown.wait()
        killed = asyncio.all_tasks() - before
        for task in killed:
            task.cancel()
        await asyncio.gather(*killed, submitting, return_exceptions=True)
        await engine.close()
        fused.left = -1
        engine = DurableEngine(world.runs(), url=url)
        await engine.launch()
        try:
            (operation_id,) = fused.rows
            await ended(world, operation_id)
        finally:
            await engine.close()
        return world

    world = run_jumping(scenario())
    (operation,) = world.operations.rows.values()
    assert len(operation.having(Progress.OK)) == 2
    assert not world.operations.locks
    ends = [name for event in world.events.all if isinstance(event, NodesDone) for name in NodeSet.parse(event.nodes)]
    assert sorted(ends) == ["node-1", "node-2"]
    assert len([event for event in world.events.all if isinstance(event, OperationStarted)]) == 1


async def held_and_resumed(world: World) -> Operation:
    operation_id = await world.submit(breakpoint="BroadcastEnv")
    await world.until(NodesHeld, operation_id)
    assert (await world.operations.get(operation_id)).is_held
    assert await world.engine.resume(operation_id, by="alice") == world.nodes
    assert not await world.engine.resume(operation_id, by="alice")
    return await ended(world, operation_id)


async def aborted_while_held(world: World) -> Operation:
    operation_id = await world.submit(breakpoint="BroadcastEnv")
    await world.until(NodesHeld, operation_id)
    await world.engine.abort(operation_id, by="bob")
    return await world.operations.get(operation_id)


async def node_2_is_withdrawn(world: World) -> Operation:
    operation_id = await world.submit()
    await asyncio.sleep(20)
    gone = NodeSet(["node-2"])
    assert await world.engine.withdraw(operation_id, gone, by="bob") == gone
    assert "node-2" not in world.operations.locks
    assert not await world.engine.withdraw(operation_id, gone, by="bob")
    return await ended(world, operation_id)


async def node_3_is_taken_over(world: World) -> Operation:
    operation_id = await world.submit()
    await asyncio.sleep(20)
    second = await world.submit(request_for(NodeSet(["node-3"])), user="bob", force=True)
    assert (await ended(world, second)).having(Progress.OK) == NodeSet(["node-3"])
    return await ended(world, operation_id)


async def aborted_too_late(world: World) -> Operation:
    operation = await deploy(world)
    await world.engine.abort(operation.id, by="bob")
    return await world.operations.get(operation.id)


async def ended_and_forgotten(world: World) -> Operation:
    operation = await deploy(world)
    await world.engine.abort(operation.id, by="bob")  # returns when nothing of it runs any more
    assert list(await world.operations.prune(operation.ended + 1)) == [operation.id]
    await world.engine.forget([operation.id])
    return operation


async def deploy(world: World) -> Operation:
    return await ended(world, await world.submit())


async def deploy_started_twice(world: World) -> Operation:
    operation_id = await world.submit()
    await world.engine.start(operation_id)
    operation = await ended(world, operation_id)
    assert {node.boots for node in world.cluster.nodes.values()} == {1}
    return operation


async def aborted_at_once(world: World) -> Operation:
    operation_id = await world.submit()
    await asyncio.sleep(20)
    await world.engine.abort(operation_id, by="alice")
    return await world.operations.get(operation_id)


async def ended(world: World, operation_id: str) -> Operation:
    async for _ in world.events.follow(operation_id):
        pass
    return await world.operations.get(operation_id)
