"""One bad node among ten: the others go on without it, in whatever step it shows; it has its chance by itself."""

from __future__ import annotations

import pytest

from kadeploy.domain.event import Decided, NodesDone, StepStarted
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation
from kadeploy.domain.state import Progress
from kadeploy.testing.clock import run_jumping
from kadeploy.testing.nodes import Fault
from tests.scenario.world import World

BAD = "node-5"
CURED = (Fault.SLOW_DISK, Fault.AGENT_DISCONNECTS)
BAD_IN = (
    Fault.NEVER_BOOTS,
    Fault.DIES_IN_STEP,
    Fault.HANGS,
    Fault.AGENT_DISCONNECTS,
    Fault.DIES_IN_BROADCAST,
    Fault.SLOW_DISK,
)
LOST = 20.0  # seconds that the others lose at most: half as long again as the longest step takes


def deploy(fault: Fault | None = None) -> tuple[World, Operation, dict[str, float]]:
    """The world, and when each node was installed, in seconds from the beginning."""

    async def scenario() -> tuple[World, Operation]:
        world = World(10, faults={BAD: fault} if fault else {})
        return world, await world.deploy()

    world, operation = run_jumping(scenario())
    began = world.events.all[0].at
    ends = {
        name: event.at - began
        for event in world.events.all
        if isinstance(event, NodesDone)
        for name in NodeSet.parse(event.nodes)
    }
    return world, operation, ends


@pytest.mark.parametrize("fault", BAD_IN)
def test_the_others_do_not_wait_for_it(fault: Fault) -> None:
    _, _, undisturbed = deploy()
    _, operation, ends = deploy(fault)
    others = NodeSet(undisturbed) - NodeSet([BAD])
    assert others <= operation.having(Progress.OK)
    lost = max(ends[name] for name in others) - max(undisturbed[name] for name in others)
    assert lost <= LOST
    assert BAD in ends or fault not in CURED


def test_a_slow_disk_keeps_what_it_was_given() -> None:
    """It is left in the step, not begun again: the image is sent to it once."""
    world, _, ends = deploy(Fault.SLOW_DISK)
    assert ends[BAD] > max(seconds for name, seconds in ends.items() if name != BAD)
    undisturbed, _, _ = deploy()
    assert world.cluster.nodes[BAD].ran == undisturbed.cluster.nodes[BAD].ran
    told = [event.what for event in world.events.all if isinstance(event, Decided)]
    assert any(f"do not wait for {BAD}" in what for what in told), told


def test_who_is_late_is_asked_the_same_thing_again() -> None:
    world, _, _ = deploy(Fault.HANGS)
    visits = [
        (event.set, event.micro)
        for event in world.events.all
        if isinstance(event, StepStarted) and BAD in NodeSet.parse(event.nodes)
    ]
    sets = [name for name, _ in visits]
    assert sets[0] == "0"
    assert sets[-1] != "0"
    parted = next(index for index, name in enumerate(sets) if name != "0")
    assert visits[parted][1] == visits[parted - 1][1], "it stays in the step in which it was late"
