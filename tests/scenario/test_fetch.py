"""The files of a deployment are its first work: it may fail, be slow, be aborted and be killed, and leaves nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from kadeploy.domain.event import Decided, OperationEnded, StepStarted
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation
from kadeploy.domain.state import OperationState, Progress
from kadeploy.testing.clock import StillLoop, run_jumping
from tests.scenario.fuse import FusedOperations
from tests.scenario.larder import Larder
from tests.scenario.world import World

FILES = ["image", "archive-0"]


async def submitted(world: World, nodes: NodeSet | None = None, *, sent: bool = False) -> str:
    """A deployment whose files are wanted as a launch wants them."""
    assert world.larder is not None
    wanted = nodes or world.nodes
    request = await world.larder.request("D-to-come", wanted, world.site, archive=0, sent=sent)
    return await world.submit(request)


async def ended(world: World, operation_id: str) -> Operation:
    await world.until(OperationEnded, operation_id)
    return await world.operations.get(operation_id)


def scene(directory: Path, story: Callable[[World, Larder], Coroutine[None, None, None]]) -> None:
    """On three nodes, with the gate shut; at the end nothing may be left, neither here nor for the next start."""

    async def scenario() -> None:
        larder = Larder(directory)
        with contextlib.closing(larder.cache):
            larder.gate = asyncio.Event()
            world = World(3, larder=larder)
            await story(world, larder)
            await world.engine.kill()
            assert not larder.left()
            assert not world.operations.locks
            await larder.reopen(["D-to-come"])
            assert not larder.left()
            larder.cache.close()

    run_jumping(scenario(), StillLoop)


def test_nodes_wait_for_their_files_in_no_window(tmp_path: Path) -> None:
    async def story(world: World, larder: Larder) -> None:
        wid = await submitted(world)
        await world.until(StepStarted, wid)
        await asyncio.sleep(7200)
        running = await world.operations.get(wid)
        assert running.having(Progress.PROCESSING) == world.nodes
        assert (world.cluster.window.used, world.cluster.window.waiting) == (0, 0)
        assert {node.boots for node in world.cluster.nodes.values()} == {0}
        assert larder.gate is not None
        larder.gate.set()
        operation = await ended(world, wid)
        assert operation.having(Progress.OK) == world.nodes
        assert larder.asked == FILES
        said = [event.what for event in world.events.all if isinstance(event, Decided)]
        assert "2 files are here, 0.0 MiB" in said

    scene(tmp_path, story)


def test_a_file_that_does_not_come_costs_no_node_its_system(tmp_path: Path) -> None:
    async def story(world: World, larder: Larder) -> None:
        wid = await submitted(world)
        await world.until(StepStarted, wid)
        (tmp_path / "images" / "archive-0").unlink()
        assert larder.gate is not None
        larder.gate.set()
        operation = await ended(world, wid)
        assert operation.having(Progress.KO) == world.nodes
        for outcome in operation.outcomes.values():
            assert (outcome.macro, outcome.micro) == ("SetDeploymentEnvUntrusted", "fetch_files")
            assert outcome.tried == "Untrusted twice"
            assert "archive-0 does not exist" in outcome.reason
        assert {node.boots for node in world.cluster.nodes.values()} == {0}
        assert not any(node.ran for node in world.cluster.nodes.values())

    scene(tmp_path, story)


def test_aborted_while_its_files_come(tmp_path: Path) -> None:
    async def story(world: World, larder: Larder) -> None:
        wid = await submitted(world)
        await world.until(StepStarted, wid)
        await world.engine.abort(wid, by="alice")
        operation = await world.operations.get(wid)
        assert operation.state is OperationState.ABORTED
        assert operation.having(Progress.ABORTED) == world.nodes

    scene(tmp_path, story)


def test_who_is_withdrawn_meanwhile_goes_and_the_others_get_their_files(tmp_path: Path) -> None:
    async def story(world: World, larder: Larder) -> None:
        wid = await submitted(world)
        await world.until(StepStarted, wid)
        assert await world.engine.withdraw(wid, NodeSet(["node-1"]), by="alice") == NodeSet(["node-1"])
        assert "node-1" not in world.operations.locks
        assert larder.gate is not None
        larder.gate.set()
        operation = await ended(world, wid)
        assert operation.having(Progress.OK) == NodeSet.parse("node-[2-3]")
        assert larder.asked == FILES

    scene(tmp_path, story)


def test_killed_while_its_files_come_and_when_they_are_here(tmp_path: Path) -> None:
    async def story(world: World, larder: Larder) -> None:
        wid = await submitted(world)
        await world.until(StepStarted, wid)
        await asyncio.sleep(1)
        await world.restart()
        await asyncio.sleep(1)
        assert larder.gate is not None
        larder.gate.set()
        await world.until(Decided, wid)
        await asyncio.sleep(1)
        assert larder.asked == [*FILES, *FILES], "it begins again"
        await world.restart()
        assert wid in larder.cache.owners()
        operation = await ended(world, wid)
        assert operation.having(Progress.OK) == world.nodes
        assert larder.asked == [*FILES, *FILES], "what is recorded is not fetched again"

    scene(tmp_path, story)


def test_two_that_want_the_same_share_it_and_each_keeps_it_until_its_own_end(tmp_path: Path) -> None:
    async def story(world: World, larder: Larder) -> None:
        first = await submitted(world, NodeSet(["node-1"]))
        second = await submitted(world, NodeSet(["node-2"]))
        await asyncio.sleep(1)
        assert larder.gate is not None
        larder.gate.set()
        await world.until(Decided, second)
        (kept,) = [one for one in larder.cache.kept() if one.size == 2048]
        assert set(kept.users) == {first, second}
        await world.engine.abort(first, by="alice")
        (kept,) = [one for one in larder.cache.kept() if one.size == 2048]
        assert set(kept.users) == {second}
        assert (await ended(world, second)).having(Progress.OK) == NodeSet(["node-2"])

    scene(tmp_path, story)


class Mortal(World):
    """A world whose server can die at its n-th step."""

    def __init__(self, left: int, larder: Larder) -> None:
        super().__init__(2, larder=larder)
        self.fused = FusedOperations(self.events.all, left)
        self.operations = self.fused
        self.engine = self._engine()


@pytest.mark.parametrize("left", range(24))
def test_killed_at_each_step_until_they_are_here(tmp_path: Path, left: int) -> None:
    async def scenario() -> None:
        larder = Larder(tmp_path, slow=20.0)
        world = Mortal(left, larder)
        wid = await submitted(world)
        await world.fused.blown.wait()
        world.fused.left = -1
        await world.restart()
        operation = await ended(world, wid)
        await world.engine.wait(wid)
        assert operation.having(Progress.OK) == world.nodes
        assert {node.boots for node in world.cluster.nodes.values()} <= {1, 2}
        assert not larder.left()
        assert not world.operations.locks
        larder.cache.close()

    run_jumping(scenario(), StillLoop)
