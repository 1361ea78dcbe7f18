"""The server dies before and behind every call to its store, one after the other, and is started again.

Whenever it was, the operation ends as if nothing had happened: each node comes to one end, told once, no command is
run a second time, and nothing is left locked.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Mapping

import pytest

from kadeploy.domain.event import NodeFailed, NodesDone, NodesHeld, OperationEnded, OperationStarted
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation
from kadeploy.domain.state import OperationState, Progress
from kadeploy.testing.clock import run_jumping
from kadeploy.testing.nodes import Fault
from tests.scenario.fuse import FusedOperations
from tests.scenario.world import World

FAULTS = {"node-2": Fault.FIRST_BOOT_FAILS, "node-3": Fault.KEXEC_FAILS, "node-4": Fault.SMALL_DISK}
SHARDS = 8  # tests, so that they can run beside each other


class Mortal(World):
    """A world whose server can die at its n-th step."""

    def __init__(self, left: int, faults: Mapping[str, Fault]) -> None:
        super().__init__(4, faults=faults)
        self.fused = FusedOperations(self.events.all, left)
        self.operations = self.fused
        self.engine = self._engine()

    async def survive(self, breakpoint: str = "") -> Operation:
        """Deploy, through at most one death."""
        operation_id = await self.submit(breakpoint=breakpoint)
        blown = asyncio.create_task(self.fused.blown.wait())
        ended = asyncio.create_task(self.until(OperationEnded, operation_id))
        helper = asyncio.create_task(self._resume(operation_id))
        await asyncio.wait({blown, ended}, return_when=asyncio.FIRST_COMPLETED)
        if not self.fused.blown.is_set():
            with contextlib.suppress(TimeoutError):  # what comes behind the last event
                await asyncio.wait_for(self.fused.blown.wait(), 1)
        if self.fused.blown.is_set():
            self.fused.left = -1
            await self.restart()
            helper.cancel()  # whoever asked the dead server asks the new one
            helper = asyncio.create_task(self._resume(operation_id))
        await self.engine.start(operation_id)  # the durable engine goes on by itself with what has no end recorded
        await self.engine.wait(operation_id)
        for task in (blown, ended, helper):
            task.cancel()
        return self.operations.rows[operation_id]

    async def _resume(self, operation_id: str) -> None:
        """Somebody resumes what is held, whatever happens to the server."""
        await self.until(NodesHeld, operation_id)
        while True:
            await asyncio.sleep(30)
            await self.engine.resume(operation_id, by="bob")


def whole_life(breakpoint: str) -> Mortal:
    async def scenario() -> Mortal:
        world = Mortal(-1, FAULTS)
        await world.survive(breakpoint)
        return world

    return run_jumping(scenario())


def check(world: Mortal, whole: Mortal, operation: Operation) -> None:
    assert operation.state is OperationState.DONE
    assert operation.having(Progress.KO) == NodeSet(["node-4"])
    assert operation.having(Progress.OK) == NodeSet.parse("node-[1-3]")
    assert not world.operations.locks
    kinds = Counter(type(event) for event in world.events.all)
    assert (kinds[OperationStarted], kinds[OperationEnded]) == (1, 1)
    ends = [name for event in world.events.all if isinstance(event, NodesDone) for name in NodeSet.parse(event.nodes)]
    ends += [event.node for event in world.events.all if isinstance(event, NodeFailed)]
    assert sorted(ends) == sorted(world.nodes)
    for name, node in world.cluster.nodes.items():
        undisturbed = whole.cluster.nodes[name]
        assert node.ran == undisturbed.ran
        assert node.boots <= undisturbed.boots + 1, "one that was killed while it rebooted nodes does so again"
    assert not world.cluster.window.used
    assert not world.cluster.window.waiting


@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("breakpoint", ["", "BroadcastEnv"])
def test_killed_before_and_behind_every_step(shard: int, breakpoint: str) -> None:
    whole = whole_life(breakpoint)
    steps = whole.fused.passed
    assert steps > 100
    for left in range(shard, steps, SHARDS):

        async def scenario(left: int = left) -> None:
            world = Mortal(left, FAULTS)
            operation = await world.survive(breakpoint)
            assert world.fused.blown.is_set()
            check(world, whole, operation)

        run_jumping(scenario())
