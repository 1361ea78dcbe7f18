"""The step that waits, on the jumping clock: nodes that come at given seconds, and what becomes of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kadeploy.domain.boot_times import Way
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.patience import Patience
from kadeploy.domain.power import Level
from kadeploy.domain.timeout import Timeout
from kadeploy.errors import DatabaseProblem
from kadeploy.ports.presence import System
from kadeploy.ports.step import Context, Services, StepResult
from kadeploy.steps.await_boot import AwaitBoot
from kadeploy.testing.clock import LoopClock, run_jumping
from kadeploy.testing.cluster import SimulatedCluster
from kadeploy.testing.memory import MemoryBootTimes
from kadeploy.testing.nodes import Fault
from kadeploy.testing.sites import site_of


@dataclass(slots=True)
class Arriving:
    """Presence of nodes that come so many seconds after the loop's beginning."""

    at: Mapping[str, float]

    async def watch(
        self,
        nodes: NodeSet,
        system: System,
        since: float,
        *,
        owner: str = "",
        addresses: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[str, None]:
        for name, at in sorted(self.at.items(), key=lambda pair: pair[1]):
            if name in nodes:
                await asyncio.sleep(max(0.0, at - asyncio.get_running_loop().time()))
                yield name
        await asyncio.Event().wait()


@dataclass(slots=True)
class Waited:
    result: StepResult
    seconds: float
    decided: list[str] = field(default_factory=list)
    boots: Sequence[float] = ()


def wait(
    at: Mapping[str, float],
    *,
    dead: Mapping[str, Fault] | None = None,
    known: Sequence[float] = (),
    patience: Patience | None = None,
    boot_times: MemoryBootTimes | None = None,
) -> Waited:
    """Wait for 300 s at most for the nodes of `at`, and for those of `dead`, which never come."""
    times = boot_times or MemoryBootTimes()

    async def run() -> Waited:
        decided: list[str] = []
        await times.record("sim", Way.MINIMAL, {f"known-{n}": took for n, took in enumerate(known)}, at=0.0)
        services = _services(at, dead or {}, times)
        await services.power.on(NodeSet(dead or {}), Level.HARD)
        began = services.clock.now()
        context = Context(
            services=services,
            operation="D-1",
            user="alice",
            cluster="sim",
            key="D-1/sim/0",
            began=began,
            entered=began,
            turn=0,
            time_left=1000.0,
            report=lambda *_: None,
            decide=decided.append,
        )
        step = AwaitBoot(system=System.MINIMAL, timeout=Timeout("300"), patience=patience or Patience())
        result = await step.run(context, NodeSet([*at, *(dead or {})]))
        boots = times.waits.get(("sim", Way.MINIMAL), [])[len(known) :]
        return Waited(result, services.clock.now() - began, decided, boots)

    return run_jumping(run())


def _services(at: Mapping[str, float], dead: Mapping[str, Fault], times: MemoryBootTimes) -> Services:
    cluster = SimulatedCluster(site_of(20), LoopClock(), seed=1, faults=dead, boot_times=times)
    return replace(cluster.services, presence=Arriving(at))


NINE = {f"node-{index}": 20.0 + index for index in range(1, 10)}


def test_all_that_come_in_time_pass_and_their_times_are_kept() -> None:
    waited = wait(NINE)
    assert waited.result.result.ok == NodeSet(NINE)
    assert not waited.decided
    assert waited.seconds == 29.0
    assert list(waited.boots) == list(NINE.values())


def test_one_that_is_late_is_left_behind_and_it_is_said_why() -> None:
    waited = wait(NINE, dead={"node-10": Fault.NEVER_BOOTS})
    assert waited.result.late == NodeSet(["node-10"])
    assert waited.result.result.ok == NodeSet(NINE)
    assert waited.seconds == 25.5 * 1.5, "most had come after 25.5 s, and the rest has half as long again"
    assert waited.decided == [
        "9 of 10 nodes answer after 38 s and go on without node-10: most had come after 26 s, and 13 s more are over"
    ]


def test_a_cluster_that_is_known_is_measured_by_itself() -> None:
    slow = [float(seconds) for seconds in range(20, 120)]
    waited = wait({**NINE, "node-10": 100.0}, known=slow)
    assert not waited.result.late, "such a boot is usual here"
    quick = [25.0] * 50
    waited = wait({**NINE, "node-10": 100.0}, known=quick)
    assert waited.result.late == NodeSet(["node-10"])
    assert waited.seconds == 31.0
    assert "95% of the last 50 boots took at most 25 s here" in waited.decided[0]


def test_a_node_whose_power_is_off_is_not_waited_for_where_that_is_asked() -> None:
    dead = {"node-10": Fault.STAYS_OFF, "node-11": Fault.NEVER_BOOTS, "node-12": Fault.BMC_REFUSES}
    waited = wait(NINE, dead=dead, patience=Patience(ask_power=True))
    assert waited.result.result.ko == {"node-10": "its power is off"}
    assert waited.result.late == NodeSet(["node-11", "node-12"])
    assert waited.decided[1] == "node-10 is not waited for: its power is off"


def test_when_nobody_comes_all_have_the_whole_time() -> None:
    waited = wait({}, dead={"node-10": Fault.NEVER_BOOTS})
    assert waited.result.result.ko == {"node-10": "no answer from the minimal environment within 300 s"}
    assert waited.seconds == 300.0


def test_a_node_that_was_here_before_says_nothing_of_boots() -> None:
    assert list(wait({"node-1": 0.0, "node-2": 30.0}).boots) == [30.0]


class BrokenTimes(MemoryBootTimes):
    async def record(self, cluster: str, way: Way, seconds: Mapping[str, float], *, at: float) -> None:
        if seconds:
            raise DatabaseProblem("the disk is full")


def test_statistics_that_cannot_be_written_cost_no_node() -> None:
    assert wait(NINE, boot_times=BrokenTimes()).result.result.ok == NodeSet(NINE)
