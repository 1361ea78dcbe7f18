"""What statistics are told of nodes: each once, with all that it went through, whatever happened to the server."""

from __future__ import annotations

from kadeploy.domain.course import Course, macro_times, step_times
from kadeploy.domain.event import StepEnded
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation
from kadeploy.testing.clock import run_jumping
from kadeploy.testing.nodes import Fault
from tests.scenario.world import World

MACROS = ["SetDeploymentEnv", "BroadcastEnv", "BootNewEnv"]


def told(world: World) -> dict[str, Course]:
    """The course of each node; a node that was told of twice is a fault."""
    courses: dict[str, Course] = {}
    for ends in world.operations.ends:
        assert not courses.keys() & ends.courses.keys(), "a node has ended twice"
        assert (ends.cluster, ends.strength) == ("sim", len(world.nodes))
        assert ends.image_size > 0
        courses.update(ends.courses)
    return courses


def deployed(world: World) -> Operation:
    async def scenario() -> Operation:
        return await world.deploy()

    return run_jumping(scenario())


def seconds_in(world: World, node: str) -> float:
    """By the journal."""
    ended = [event for event in world.events.all if isinstance(event, StepEnded)]
    return sum(event.seconds for event in ended if node in _nodes(event))


def _nodes(event: StepEnded) -> set[str]:
    here = [text for text in (event.ok, event.late) if text]
    return {*NodeSet.parse(*here).names, *event.ko}


def test_every_node_is_told_of_once_with_every_step() -> None:
    world = World(12)
    deployed(world)
    courses = told(world)
    assert courses.keys() == set(world.nodes)
    for node, course in courses.items():
        assert [macro.macro for macro in macro_times(course)] == MACROS
        assert all(macro.retries == 0 for macro in macro_times(course))
        assert abs(sum(visited.seconds for visited in course) - seconds_in(world, node)) < 1e-6
    assert len({id(course) for course in courses.values()}) < len(courses), "nodes that went together share a course"


def test_retries_and_failures_are_in_the_course() -> None:
    world = World(6, faults={"node-2": Fault.NEVER_BOOTS})
    operation = deployed(world)
    (macro,) = macro_times(told(world)["node-2"])
    plan = world.engine.runs.decode(operation.plans["sim"])
    chances = sum(attempt.retries + 1 for attempt in plan.stages[0].attempts)
    assert macro.retries == chances - 1 > 0
    waited = [step for step in step_times(told(world)["node-2"]) if step.micro == "wait_reboot"]
    assert sum(step.tries for step in waited) == chances
    assert told(world)["node-2"][-1].has_failed
    assert macro_times(told(world)["node-1"])[0].retries == 0


def test_a_server_that_was_killed_tells_the_same() -> None:
    async def scenario(world: World) -> None:
        operation_id = await world.submit()
        await world.until(StepEnded, operation_id)
        for _ in range(4):
            before = len(world.events.all)
            async for number, event in world.events.follow(operation_id, after=before):
                if isinstance(event, StepEnded) or number < before:
                    break
            await world.restart()
        await world.engine.wait(operation_id)

    killed, whole = World(8, faults={"node-5": Fault.NEVER_BOOTS}), World(8, faults={"node-5": Fault.NEVER_BOOTS})
    run_jumping(scenario(killed))
    deployed(whole)
    ways = [
        {node: [(step.micro, step.tries) for step in step_times(course)] for node, course in told(world).items()}
        for world in (killed, whole)
    ]
    assert ways[0] == ways[1]
