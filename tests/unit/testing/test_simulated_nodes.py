"""The simulated cluster by itself: each fault shows as it says, and a seed gives the same nodes again."""

from __future__ import annotations

import asyncio
import random
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadeploy.domain.boot import LOCAL_DISK, BootKind, BootTarget, of_partition
from kadeploy.domain.image import Compression, ImageKind, LocalFile
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import Level
from kadeploy.domain.result import Result
from kadeploy.ports.broadcast import Shipment
from kadeploy.ports.presence import System
from kadeploy.ports.remote import Command, Terms
from kadeploy.testing.clock import LoopClock, run_jumping
from kadeploy.testing.cluster import SimulatedCluster
from kadeploy.testing.nodes import LATEST_STRIKE, Fault, draw_faults
from kadeploy.testing.sites import site_of
from kadeploy.testing.timing import Even, Skewed, Spread, Timing

MINIMAL = BootTarget(kind=BootKind.MINIMAL)
IMAGE = LocalFile(path="/srv/image", size=1000, sha256="0" * 64)
NODE = NodeSet(["node-1"])


class Bench:
    """One node with a fault, and what is done to it."""

    def __init__(self, fault: Fault | None, seed: int = 1) -> None:
        self.cluster = SimulatedCluster(site_of(1), LoopClock(), seed=seed, faults={"node-1": fault} if fault else {})
        self.node = self.cluster.nodes["node-1"]
        self.services = self.cluster.services

    async def boot(self, target: BootTarget = MINIMAL) -> System | None:
        """What it runs five minutes after it was told to boot that."""
        await self.services.boot.set(NODE, target)
        await self.services.power.cycle(NODE, Level.HARD)
        await asyncio.sleep(300.0)
        return self.node.system

    async def command(self, key: str, name: str = "sync", deadline: float = 120.0) -> Result:
        return await self.services.remote.run(NODE, lambda _: Command(name=name), Terms(key=key, deadline=deadline))

    async def commands(self, count: int = LATEST_STRIKE) -> list[str]:
        """Why commands failed, one after the other."""
        results = [await self.command(f"k{index}") for index in range(count)]
        return [result.ko["node-1"] for result in results if result.ko]

    async def send(self, key: str) -> Result:
        return await self.services.broadcast.send(
            NODE,
            Shipment(image=IMAGE, kind=ImageKind.TAR, compression=Compression.ZSTD, destination=lambda _: "/mnt/dest"),
            Terms(key=key, deadline=600.0),
        )


def test_a_healthy_node_boots_what_it_is_told_and_what_it_was_given() -> None:
    async def run() -> None:
        bench = Bench(None)
        assert await bench.boot(LOCAL_DISK) is None, "its disk is empty"
        assert await bench.boot() is System.MINIMAL
        assert (await bench.send("image")).ok
        assert await bench.boot(LOCAL_DISK) is None, "nothing on its disk can be started"
        assert await bench.boot(of_partition(3)) is System.INSTALLED
        assert await bench.boot() is System.MINIMAL
        assert (await bench.command("loader", "install_bootloader")).ok
        assert await bench.boot(LOCAL_DISK) is System.INSTALLED

    run_jumping(run())


BOOTS = {
    Fault.NEVER_BOOTS: [None, None],
    Fault.BOOTS_LATE: [System.MINIMAL, System.MINIMAL],
    Fault.BMC_REFUSES: [None, None],
    Fault.FIRST_BOOT_FAILS: [None, System.MINIMAL],
    Fault.BOOTS_WRONG: [System.INSTALLED, System.INSTALLED],
    Fault.STAYS_OFF: [None, None],
}


@pytest.mark.parametrize("fault", BOOTS)
def test_faults_of_a_boot(fault: Fault) -> None:
    async def run() -> list[System | None]:
        bench = Bench(fault)
        return [await bench.boot(), await bench.boot()]

    assert run_jumping(run()) == BOOTS[fault]


STEPS = {
    Fault.DIES_IN_STEP: "its agent has not been connected for 30 s",
    Fault.HANGS: "it did not end in 120 s",
    Fault.FLAPS: "the node was restarted meanwhile",
}


@pytest.mark.parametrize("fault", STEPS)
def test_faults_of_a_step(fault: Fault) -> None:
    async def run() -> list[str]:
        bench = Bench(fault)
        await bench.boot()
        return await bench.commands()

    reasons = run_jumping(run())
    assert reasons[0] == STEPS[fault]
    assert len(reasons) >= 1


def test_a_node_that_hangs_is_cured_by_a_restart() -> None:
    async def run() -> tuple[int, list[str]]:
        bench = Bench(Fault.HANGS)
        await bench.boot()
        before = len(await bench.commands())
        await bench.boot()
        bench.node.jobs.clear()
        return before, await bench.commands()

    before, after = run_jumping(run())
    assert before
    assert not after


def test_an_agent_that_is_away_answers_later() -> None:
    async def run() -> tuple[list[str], float]:
        bench = Bench(Fault.AGENT_DISCONNECTS)
        await bench.boot()
        began = asyncio.get_running_loop().time()
        return await bench.commands(), asyncio.get_running_loop().time() - began

    reasons, took = run_jumping(run())
    assert not reasons
    assert took > 5.0


def test_faults_of_the_disk_and_of_the_broadcast() -> None:
    async def run() -> None:
        sound, slow, corrupt, dying = (
            Bench(fault) for fault in (None, Fault.SLOW_DISK, Fault.CORRUPT_CHUNK, Fault.DIES_IN_BROADCAST)
        )
        took = []
        for bench in (sound, slow):
            await bench.boot()
            began = asyncio.get_running_loop().time()
            assert (await bench.send("image")).ok
            took.append(asyncio.get_running_loop().time() - began)
        assert took[1] == pytest.approx(took[0] * sound.node.timing.slow)
        await corrupt.boot()
        assert "chunk 7" in (await corrupt.send("image")).ko["node-1"]
        assert (await corrupt.send("again")).ok
        await dying.boot()
        assert (await dying.send("image")).ko
        assert await dying.boot() is None

    run_jumping(run())


def test_a_node_goes_on_with_a_command_that_nobody_waits_for() -> None:
    async def run() -> None:
        bench = Bench(None)
        await bench.boot()
        asking = asyncio.create_task(bench.command("format"))
        await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.sleep(100.0)
        began = asyncio.get_running_loop().time()
        assert (await bench.command("format")).ok
        assert asyncio.get_running_loop().time() == began
        assert bench.node.ran == ["sync"]

    run_jumping(run())


@given(st.integers(0, 1000))
def test_a_seed_gives_the_same_story(seed: int) -> None:
    async def run() -> list[float]:
        story = []
        for fault in (None, Fault.FLAPS, Fault.HANGS):
            bench = Bench(fault, seed)
            await bench.boot()
            await bench.commands(5)
            story.append(asyncio.get_running_loop().time())
        return story

    assert run_jumping(run()) == run_jumping(run())


def test_faults_are_drawn_in_their_share() -> None:
    names = [f"node-{index}" for index in range(10_000)]
    assert 400 < len(draw_faults(names, share=0.05, seed=3)) < 600
    assert draw_faults(names, share=0.05, seed=3) == draw_faults(names, share=0.05, seed=3)
    assert set(draw_faults(names, share=0.5, seed=3, among=[Fault.HANGS]).values()) == {Fault.HANGS}


@pytest.mark.parametrize("spread", [Even(10.0, 20.0), Skewed(15.0)])
def test_a_scaled_distribution_is_the_same_one_faster(spread: Spread) -> None:
    usual = [spread.draw(random.Random(seed)) for seed in range(200)]
    assert [spread.scaled(0.1).draw(random.Random(seed)) for seed in range(200)] == pytest.approx(
        [seconds / 10 for seconds in usual]
    )
    assert 12.0 < sorted(usual)[100] < 18.0


def test_all_times_are_scaled() -> None:
    timing, faster = Timing(), Timing().scaled(0.5)
    for one in fields(Timing):
        usual, scaled = getattr(timing, one.name), getattr(faster, one.name)
        if one.name == "slow":
            assert scaled == usual
        else:
            assert scaled == (usual / 2 if isinstance(usual, float) else usual.scaled(0.5))
