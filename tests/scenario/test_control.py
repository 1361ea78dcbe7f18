"""Operations that are held, resumed, cancelled, taken over and queued, in every phase; the events tell who did it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from kadeploy.domain.event import (
    Event,
    NodeFailed,
    NodesAborted,
    NodesDone,
    NodesHeld,
    NodesResumed,
    OperationEnded,
    OperationStarted,
    StepStarted,
)
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation
from kadeploy.domain.state import OperationState, Progress
from kadeploy.drivers.window import SlotWindow
from kadeploy.operations.waiting_room import WaitingRoom
from kadeploy.testing.clock import run_jumping
from kadeploy.testing.nodes import Fault
from kadeploy.testing.sites import request_for
from tests.scenario.world import World

# Seconds into a deployment of five nodes: in the reboot, the wait, the disk, the broadcast, kexec.
PHASES = (0.2, 20.0, 42.0, 60.0, 85.0)


def told(world: World, *kinds: type[Event]) -> list[str]:
    """The events of these kinds in short."""
    shown = []
    for event in world.events.all:
        if isinstance(event, kinds):
            who = f" by {event.by}" if isinstance(event, NodesAborted | NodesResumed) else ""
            nodes = event.node if isinstance(event, NodeFailed) else getattr(event, "nodes", getattr(event, "ok", ""))
            shown.append(f"{type(event).__name__} {nodes}{who}".strip())
    return shown


def steps_begun(world: World, node: str) -> list[str]:
    return [e.micro for e in world.events.all if isinstance(e, StepStarted) and node in NodeSet.parse(e.nodes)]


def test_nodes_are_held_before_the_step_and_go_on_when_resumed() -> None:
    async def scenario() -> None:
        world = World(3)
        operation_id = await world.submit(breakpoint="BootNewEnvKexec:kexec")
        await world.until(NodesHeld, operation_id)
        await asyncio.sleep(100_000)  # no timeout counts while they wait
        operation = await world.operations.get(operation_id)
        assert operation.is_held
        assert {outcome.micro for outcome in operation.outcomes.values()} == {"kexec"}
        assert world.operations.locks == dict.fromkeys(world.nodes, operation_id)
        assert "kexec" not in steps_begun(world, "node-1")
        assert await world.engine.resume(operation_id, by="bob") == world.nodes
        await world.engine.wait(operation_id)
        assert (await world.operations.get(operation_id)).having(Progress.OK) == world.nodes
        assert told(world, NodesHeld, NodesResumed, NodesDone, OperationEnded) == [
            "NodesHeld node-[1-3]",
            "NodesResumed node-[1-3] by bob",
            "NodesDone node-[1-3]",
            "OperationEnded node-[1-3]",
        ]

    run_jumping(scenario())


def test_a_late_node_passes_a_breakpoint_that_was_resumed() -> None:
    async def scenario() -> None:
        world = World(4, faults={"node-4": Fault.FIRST_BOOT_FAILS})
        operation_id = await world.submit(breakpoint="BroadcastEnv")
        await world.until(NodesHeld, operation_id)
        assert not (await world.operations.get(operation_id)).is_held
        assert await world.engine.resume(operation_id, by="alice") == NodeSet.parse("node-[1-3]")
        await world.engine.wait(operation_id)
        assert (await world.operations.get(operation_id)).having(Progress.OK) == world.nodes
        assert told(world, NodesHeld) == ["NodesHeld node-[1-3]"]

    run_jumping(scenario())


def test_held_nodes_are_held_across_a_restart() -> None:
    async def scenario() -> None:
        world = World(2)
        operation_id = await world.submit(breakpoint="BroadcastEnv")
        await world.until(NodesHeld, operation_id)
        for _ in range(2):
            await world.restart()
            await asyncio.sleep(50)
        assert (await world.operations.get(operation_id)).is_held
        await world.engine.resume(operation_id, by="alice")
        await world.restart()
        await world.engine.wait(operation_id)
        assert (await world.operations.get(operation_id)).having(Progress.OK) == world.nodes
        assert told(world, NodesHeld, NodesResumed) == ["NodesHeld node-[1-2]", "NodesResumed node-[1-2] by alice"]

    run_jumping(scenario())


def ended_as_aborted(world: World, operation: Operation, nodes: NodeSet) -> None:
    assert operation.having(Progress.ABORTED) == nodes
    assert {operation.outcomes[name].reason for name in nodes} == {"aborted by bob"}
    assert f"NodesAborted {nodes} by bob" in told(world, NodesAborted)
    assert not {NodeFailed, NodesDone} & {
        type(event)
        for event in world.events.all
        if NodeSet.parse(getattr(event, "nodes", "") or getattr(event, "node", "x")) & nodes
    }


@pytest.mark.parametrize("moment", PHASES)
def test_a_cancelled_operation_ends_at_once_wherever_it_is(moment: float) -> None:
    async def scenario() -> None:
        world = World(5)
        operation_id = await world.submit()
        await asyncio.sleep(moment)
        before = world.clock.now()
        await world.engine.abort(operation_id, by="bob")
        assert world.clock.now() - before < 1.0
        operation = await world.operations.get(operation_id)
        assert (operation.state, operation.error) == (OperationState.ABORTED, "aborted by bob")
        ended_as_aborted(world, operation, world.nodes)
        assert not world.operations.locks

    run_jumping(scenario())


@pytest.mark.parametrize("moment", PHASES)
def test_a_node_is_withdrawn_and_the_others_go_on(moment: float) -> None:
    async def scenario() -> None:
        world = World(5, faults={"node-2": Fault.BOOTS_LATE} if moment == 20.0 else {})
        operation_id = await world.submit()
        await asyncio.sleep(moment)
        gone = NodeSet(["node-2"])
        assert await world.engine.withdraw(operation_id, gone, by="bob") == gone
        assert world.operations.locks == dict.fromkeys(world.nodes - gone, operation_id)
        begun = steps_begun(world, "node-2")
        ran = list(world.cluster.nodes["node-2"].ran)
        await world.engine.wait(operation_id)
        operation = await world.operations.get(operation_id)
        assert operation.state is OperationState.DONE
        assert operation.having(Progress.OK) == world.nodes - gone
        ended_as_aborted(world, operation, gone)
        assert steps_begun(world, "node-2") == begun
        assert world.cluster.nodes["node-2"].ran == ran

    run_jumping(scenario())


def test_whoever_is_withdrawn_while_it_waits_for_the_window_is_not_rebooted() -> None:
    async def scenario() -> None:
        world = World(4, window=SlotWindow(1, pause=10.0))
        operation_id = await world.submit()
        await asyncio.sleep(5)
        assert [world.cluster.nodes[name].boots for name in world.nodes] == [1, 0, 0, 0]
        await world.engine.withdraw(operation_id, NodeSet.parse("node-[3-4]"), by="bob")
        assert "node-3" not in world.operations.locks
        await world.engine.wait(operation_id)
        assert [world.cluster.nodes[name].boots for name in world.nodes] == [1, 1, 0, 0]
        assert (await world.operations.get(operation_id)).having(Progress.OK) == NodeSet.parse("node-[1-2]")
        assert (world.cluster.window.used, world.cluster.window.waiting) == (0, 0)

    run_jumping(scenario())


def test_cancelling_while_held_and_while_in_the_window() -> None:
    async def scenario() -> None:
        world = World(3, window=SlotWindow(1, pause=10.0))
        held = await world.submit(request_for(NodeSet(["node-1"])), breakpoint="SetDeploymentEnv")
        await world.until(NodesHeld, held)
        rest = await world.submit(request_for(NodeSet.parse("node-[2-3]")))
        await asyncio.sleep(5)
        await world.engine.abort(rest, by="bob")
        await world.engine.abort(held, by="bob")
        assert [(await world.operations.get(each)).state for each in (held, rest)] == [OperationState.ABORTED] * 2
        assert not world.operations.locks
        assert [world.cluster.nodes[name].boots for name in world.nodes] == [0, 1, 0]
        await asyncio.sleep(11)
        assert (world.cluster.window.used, world.cluster.window.waiting, world.cluster.window.resting) == (0, 0, 0)

    run_jumping(scenario())


@pytest.mark.parametrize("moment", PHASES)
def test_force_takes_nodes_over_and_both_operations_tell_so(moment: float) -> None:
    async def scenario() -> None:
        world = World(4)
        first = await world.submit()
        await asyncio.sleep(moment)
        taken = NodeSet.parse("node-[3-4]")
        second = await world.submit(request_for(taken), user="bob", force=True)
        await world.engine.wait(first)
        await world.engine.wait(second)
        former, new = await world.operations.get(first), await world.operations.get(second)
        assert (former.state, former.having(Progress.OK)) == (OperationState.DONE, NodeSet.parse("node-[1-2]"))
        assert {former.outcomes[name].reason for name in taken} == {f"aborted by bob: taken over by {second}"}
        assert new.having(Progress.OK) == taken
        assert not world.operations.locks
        own = [event for event in world.events.all if event.operation == second]
        events = world.events.all
        aborted = next(event for event in events if isinstance(event, NodesAborted))
        assert events.index(aborted) < events.index(own[0]), "the new one begins when the former has let go"
        assert isinstance(own[0], OperationStarted)

    run_jumping(scenario())


def test_a_server_that_dies_while_nodes_are_taken_over_goes_on_with_both() -> None:
    async def scenario() -> None:
        world = World(3)
        first = await world.submit()
        await asyncio.sleep(60)
        running = await world.operations.get(first)
        second = replace(running, id="D-2", nodes=NodeSet(["node-3"]), outcomes={})
        await world.operations.create(second, force=True)
        await world.restart()  # nobody has told the engine
        await world.engine.wait(first)
        await world.engine.wait("D-2")
        assert (await world.operations.get(first)).having(Progress.OK) == NodeSet.parse("node-[1-2]")
        assert (await world.operations.get("D-2")).having(Progress.OK) == NodeSet(["node-3"])

    run_jumping(scenario())


def test_operations_that_wait_are_let_in_as_nodes_become_free_and_can_give_up() -> None:
    async def scenario() -> None:
        world = World(3)
        first = await world.submit(request_for(NodeSet.parse("node-[1-2]")))
        second = await world.submit(wait=True)
        third = await world.submit(request_for(NodeSet(["node-3"])), wait=True)
        gives_up = await world.submit(request_for(NodeSet(["node-1"])), wait=True)
        room = WaitingRoom(world.operations, world.engine)
        serving = asyncio.create_task(room.serve())
        await asyncio.sleep(20)
        assert await world.operations.queued() == [second, third, gives_up]
        await world.operations.withdraw(asked(gives_up, "node-1"), entirely=True)
        await world.operations.end(gives_up, OperationState.ABORTED, at=world.clock.now())
        await world.until(OperationEnded, first)
        await world.until(OperationEnded, second)
        await world.until(OperationEnded, third)
        serving.cancel()
        order = [event.operation for event in world.events.all if isinstance(event, OperationStarted)]
        assert order == [first, second, third]
        assert (await world.operations.get(third)).having(Progress.OK) == NodeSet(["node-3"])

    run_jumping(scenario())


def asked(operation: str, nodes: str) -> NodesAborted:
    return NodesAborted(operation=operation, at=1.0, nodes=nodes, by="bob")


def test_a_failed_node_says_what_was_tried_how_often_and_why_it_failed_last() -> None:
    async def scenario() -> None:
        world = World(2, faults={"node-2": Fault.NEVER_BOOTS})
        operation = await world.deploy()
        outcome = operation.outcomes["node-2"]
        assert (outcome.macro, outcome.micro) == ("SetDeploymentEnvUntrusted", "wait_reboot")
        assert outcome.tried.startswith("Untrusted ")
        (event,) = (event for event in world.events.all if isinstance(event, NodeFailed))
        assert event.told == (f"SetDeploymentEnvUntrusted-wait_reboot: {outcome.reason} (tried: {outcome.tried})")

    run_jumping(scenario())
