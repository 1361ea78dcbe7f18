"""Sets that come to the broadcast while another is being served go on together as one."""

from __future__ import annotations

import asyncio

import pytest

from kadeploy.domain.event import SetJoined, StepStarted
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import OperationState, Progress
from kadeploy.domain.timeout import Timeout
from kadeploy.testing.clock import run_jumping
from kadeploy.testing.nodes import Fault
from kadeploy.testing.sites import request_for
from kadeploy.testing.timing import Even, Timing
from tests.scenario.world import World

# node-5 boots late, node-4 has to boot again: both come while the others are being sent the image.
FAULTS = {"node-4": Fault.FIRST_BOOT_FAILS, "node-5": Fault.BOOTS_LATE}
LONG = Timing(broadcast=Even(300.0, 300.0), late=Even(40.0, 40.0))


async def begun() -> tuple[World, str]:
    world = World(6, faults=FAULTS, timing=LONG)
    return world, await world.submit(request_for(world.nodes, reboot_timeout=Timeout("80")))


def broadcasts(world: World) -> list[str]:
    return [
        event.nodes
        for event in world.events.all
        if isinstance(event, StepStarted) and event.micro == "send_environment"
    ]


def test_sets_that_wait_for_a_broadcast_become_one_chain() -> None:
    async def scenario() -> World:
        world, operation_id = await begun()
        await world.engine.wait(operation_id)
        assert (await world.operations.get(operation_id)).having(Progress.OK) == world.nodes
        return world

    world = run_jumping(scenario())
    assert broadcasts(world) == ["node-[1-3,6]", "node-[4-5]"]
    (joined,) = (event for event in world.events.all if isinstance(event, SetJoined))
    assert joined.nodes in ("node-4", "node-5")


@pytest.mark.parametrize("moment", [100.0, 200.0, 345.0, 352.0, 360.0, 500.0, 660.0])
def test_they_are_one_chain_also_across_a_restart(moment: float) -> None:
    async def scenario() -> World:
        world, operation_id = await begun()
        await asyncio.sleep(moment)
        await world.restart()
        await world.engine.wait(operation_id)
        assert (await world.operations.get(operation_id)).having(Progress.OK) == world.nodes
        return world

    world = run_jumping(scenario())
    assert set(broadcasts(world)) == {"node-[1-3,6]", "node-[4-5]"}
    assert len([event for event in world.events.all if isinstance(event, SetJoined)]) == 1
    assert not world.operations.locks


def test_whoever_waits_can_be_withdrawn() -> None:
    async def scenario() -> World:
        world, operation_id = await begun()
        await asyncio.sleep(200)
        await world.engine.withdraw(operation_id, NodeSet(["node-5"]), by="bob")
        await world.engine.wait(operation_id)
        return world

    assert broadcasts(run_jumping(scenario())) == ["node-[1-3,6]", "node-4"]


def test_an_abort_ends_also_those_that_wait() -> None:
    async def scenario() -> None:
        world, operation_id = await begun()
        await asyncio.sleep(200)
        await world.engine.abort(operation_id, by="bob")
        operation = await world.operations.get(operation_id)
        assert (operation.state, operation.having(Progress.ABORTED)) == (OperationState.ABORTED, world.nodes)

    run_jumping(scenario())
