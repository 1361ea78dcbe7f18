"""What every engine must do, on the in-memory twin and on the durable one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from kadeploy.domain.operation import Operation
from kadeploy.domain.state import OperationState, Progress
from kadeploy.engine.durable import DurableEngine
from kadeploy.testing.clock import run_jumping
from kadeploy.testing.nodes import Fault
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

    def test_starting_twice_is_starting_once(self, engine: Callable[..., Operation], tmp_path: Path) -> None:
        operation = engine(tmp_path, lambda: World(2), deploy_started_twice)
        assert len(operation.having(Progress.OK)) == 2

    def test_an_abort_returns_when_all_has_ended(self, engine: Callable[..., Operation], tmp_path: Path) -> None:
        operation = engine(tmp_path, lambda: World(3), aborted_at_once)
        assert operation.state is OperationState.ABORTED
        assert len(operation.having(Progress.ABORTED)) == 3


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
    await world.engine.abort(operation_id)
    return await world.operations.get(operation_id)


async def ended(world: World, operation_id: str) -> Operation:
    async for _ in world.events.follow(operation_id):
        pass
    return await world.operations.get(operation_id)
