"""Steps that begin in the system that runs before ours: kexec into the minimal environment, and production systems."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from kadeploy.domain.boot import BootKind, BootTarget
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.ports.step import Context, Step
from kadeploy.steps.check_nodes import CheckNodes
from kadeploy.steps.kexec import Kexec
from kadeploy.steps.send_deployment_kernel import SendDeploymentKernel
from kadeploy.steps.set_vlan import SetVlan
from kadeploy.testing.clock import LoopClock, run_jumping
from kadeploy.testing.cluster import SimulatedCluster
from kadeploy.testing.sites import site_of

NODES = NodeSet(["node-1", "node-2"])
MINIMAL = BootTarget(kind=BootKind.MINIMAL)


@dataclass
class Running:
    """Implements ports.running.RunningSystem: remembers what it was told. `roots` are what is mounted as root."""

    roots: Mapping[str, str] = field(default_factory=dict)
    starts: Callable[[str], None] = lambda _: None
    files: dict[str, str] = field(default_factory=dict)
    told: dict[str, list[Sequence[str]]] = field(default_factory=dict)

    async def put(self, nodes: NodeSet, files: Mapping[str, str], *, deadline: float) -> Result:
        self.files.update(files)
        return Result(ok=nodes)

    async def run(
        self, nodes: NodeSet, make: Callable[[str], Sequence[str]], *, deadline: float, leaves: bool = False
    ) -> Result:
        for name in nodes:
            argv = make(name)
            self.told.setdefault(name, []).append(argv)
            if argv[0] == "sh":
                self.starts(name)
        return Result(ok=nodes, outputs={name: self.roots.get(name, "") for name in nodes})


def carried_out(step: Step, running: Running | None, *, agents_start: bool = True) -> Result:
    async def run() -> Result:
        cluster = SimulatedCluster(site_of(2), LoopClock(), seed=1)
        began = cluster.services.clock.now()
        if running is not None and agents_start:
            running.starts = lambda name: cluster.nodes[name].restart()
            await cluster.services.boot.set(NODES, MINIMAL)
        context = Context(
            services=replace(cluster.services, running=running),
            operation="D-1",
            user="alice",
            cluster="sim",
            key="D-1/sim/0",
            began=began,
            entered=began,
            turn=0,
            time_left=1000.0,
            report=lambda *_: None,
            decide=lambda _: None,
        )
        return (await step.run(context, NODES)).result

    return run_jumping(run())


def test_kernel_and_initrd_go_to_the_nodes_and_are_started() -> None:
    running = Running()
    assert carried_out(SendDeploymentKernel(target=MINIMAL, folder="/dev/shm/k"), running).ok == NODES
    assert running.files == {"/dev/shm/k/vmlinuz": "/srv/vmlinuz", "/dev/shm/k/initrd": "/srv/initrd"}
    assert carried_out(Kexec(minimal=MINIMAL, folder="/dev/shm/k"), running).ok == NODES
    assert running.told["node-2"] == [
        (
            *("kexec", "--load", "/dev/shm/k/vmlinuz", "--initrd=/dev/shm/k/initrd"),
            "--command-line=kadeploy.node=node-2",
        ),
        ("systemctl", "--no-block", "kexec"),
    ]


@pytest.mark.parametrize(
    "step",
    [
        SendDeploymentKernel(target=MINIMAL, folder="/k"),
        Kexec(minimal=MINIMAL, folder="/k"),
        CheckNodes(number=2),
    ],
)
def test_without_a_key_nobody_is_reached(step: Step) -> None:
    assert set(carried_out(step, None).ko.values()) == {
        "this server has no SSH key with which to reach a running system"
    }


def test_only_production_systems_are_given_an_agent() -> None:
    running = Running(roots={"node-1": "/dev/vda2", "node-2": "/dev/vda3"})
    result = carried_out(CheckNodes(number=2), running)
    assert str(result.ok) == "node-1"
    assert result.ko == {"node-2": "does not run its production system: its root is /dev/vda3, not /dev/vda2"}
    assert running.files == {"/run/kadeploy/agent.pyz": "/srv/agent.pyz"}
    shell, run, program, *words = running.told["node-1"][-1]
    assert (shell, run, words) == ("sh", "-c", ["agent", "kadeploy.node=node-1"])
    assert program.startswith('export KADEPLOY_AGENT="$*"; exec setsid --fork python3 /run/kadeploy/agent.pyz <')


def test_an_agent_that_does_not_report_is_missed() -> None:
    running = Running(roots={"node-1": "/dev/vda2", "node-2": "/dev/vda2"})

    result = carried_out(CheckNodes(number=2, timeout=50.0), running, agents_start=False)
    assert set(result.ko.values()) == {"its agent did not report within 50 s"}


def test_no_vlan_where_none_can_be_set() -> None:
    assert set(carried_out(SetVlan(vlan="3"), None).ko.values()) == {"this server moves no nodes between VLANs"}
