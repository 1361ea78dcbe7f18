"""Automata from configuration, carried out: the event log is the assertion."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import yaml

from kadeploy.config.cluster import ClusterFile
from kadeploy.config.decode import decode
from kadeploy.config.site import build_cluster
from kadeploy.domain.environment import Archive
from kadeploy.domain.event import Decided, NodesDone, SetBranched, StepEnded, StepStarted
from kadeploy.domain.image import Compression
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation
from kadeploy.domain.state import OperationState, Progress
from kadeploy.domain.timeout import Timeout
from kadeploy.testing.clock import run_jumping
from kadeploy.testing.nodes import Fault
from kadeploy.testing.sites import environment_of, request_for
from tests.scenario.world import World
from tests.unit.config import files


def world_of(count: int, automata: str, faults: dict[str, Fault] | None = None) -> World:
    """`automata` is the text of `macrosteps` in the cluster's file."""
    written: dict[str, Any] = {**files.cluster(), "automata": {"macrosteps": yaml.safe_load(automata)}}
    decoded = decode(ClusterFile, written)
    assert decoded.value is not None, decoded.faults
    world = World(count, faults=faults)
    cluster = replace(build_cluster("sim", decoded.value), layout=world.site.clusters["sim"].layout)
    world.site = replace(world.site, clusters={"sim": cluster})
    return world


def deployed(world: World, **changes: object) -> Operation:
    async def scenario() -> Operation:
        return await world.deploy(request_for(world.nodes, **changes))

    return run_jumping(scenario())


def log(world: World, node: str, *macros: str) -> list[str]:
    """Where the node failed, why it left a set, and what it passed of these macro-steps."""
    return list(_log(world, node, macros))


def _log(world: World, node: str, macros: tuple[str, ...]) -> Iterator[str]:
    for event in world.events.all:
        match event:
            case StepEnded() if event.macro in macros and node in event.ko:
                yield f"{event.instance}.{event.micro}: {event.ko[node]}"
            case StepEnded() if event.macro in macros and event.ok and node in NodeSet.parse(event.ok):
                yield f"{event.instance}.{event.micro}"
            case SetBranched() if node in NodeSet.parse(event.nodes):
                yield event.why


def started(world: World, micro: str) -> list[str]:
    return [
        f"{event.set} {event.nodes}"
        for event in world.events.all
        if isinstance(event, StepStarted) and event.micro == micro
    ]


KEXEC_THEN_CLASSICAL = """
BootNewEnv:
  - {type: Kexec, microsteps: [{name: kexec, timeout: "0.05"}]}
  - {type: Classical, retries: 1, timeout: 400}
"""


def test_kexec_fails_and_classical_succeeds_by_configuration() -> None:
    world = world_of(3, KEXEC_THEN_CLASSICAL)
    operation = deployed(world)
    assert operation.having(Progress.OK) == world.nodes
    for node in world.nodes:
        assert log(world, node, "BootNewEnv") == [
            "Kexec.switch_pxe",
            "Kexec.mount_deploy_part",
            "Kexec.kexec: it did not end in 0 s",
            "fall back from Kexec to Classical",
            "Classical.switch_pxe",
            "Classical.umount_deploy_part",
            "Classical.reboot_from_deploy_env",
            "Classical.wait_reboot",
        ]


FALLBACKS = """
BootNewEnv:
  - {type: Kexec, retries: 1, timeout: 90}
  - {type: HardReboot, retries: 2}
"""


def test_retries_come_before_fallbacks_and_each_has_its_time() -> None:
    world = world_of(3, FALLBACKS, {"node-2": Fault.KEXEC_FAILS})
    operation = deployed(world)
    assert operation.having(Progress.OK) == world.nodes
    assert log(world, "node-2", "BootNewEnv") == [
        "Kexec.switch_pxe",
        "Kexec.mount_deploy_part",
        "Kexec.kexec",
        "late: the others go on",
        "Kexec.wait_reboot: no answer from the installed system within 60 s",
        "retry 1 of Kexec",
        "Kexec.switch_pxe",
        "Kexec.mount_deploy_part: its agent has not been connected for 30 s",
        "fall back from Kexec to HardReboot",
        "HardReboot.switch_pxe",
        "HardReboot.reboot",
        "HardReboot.wait_reboot",
    ]
    assert log(world, "node-1", "BootNewEnv")[-1] == "Kexec.wait_reboot"


SENT_AGAIN = """
BroadcastEnv:
  - {type: Kascade, microsteps: [{name: send_environment, retries: 1, raisable: %s}]}
"""


def test_a_step_is_tried_again_apart_while_the_others_go_on() -> None:
    world = world_of(3, SENT_AGAIN % "true", {"node-2": Fault.CORRUPT_CHUNK})
    operation = deployed(world)
    assert operation.having(Progress.OK) == world.nodes
    assert started(world, "send_environment") == ["0 node-[1-3]", "0.1 node-2"]
    assert log(world, "node-2", "BroadcastEnv")[:4] == [
        "Chain.renew_deploy_part",
        "Chain.send_environment: chunk 7 is not what the manifest says, from three nodes",
        "retry 1 of send_environment",
        "Chain.send_environment",
    ]
    assert world.cluster.nodes["node-2"].ran.count("format") == 4, "what was half unpacked is gone before"


def test_a_step_that_lets_nobody_go_on_alone_keeps_the_set_together() -> None:
    world = world_of(3, SENT_AGAIN % "false", {"node-2": Fault.CORRUPT_CHUNK})
    operation = deployed(world)
    assert operation.having(Progress.OK) == world.nodes
    assert started(world, "send_environment") == ["0 node-[1-3]"]
    assert started(world, "configure_system") == ["0 node-[1-3]"]


TOGETHER = """
SetDeploymentEnv:
  - {type: Untrusted, retries: 2, raisable: %s}
"""


def test_a_macro_step_that_lets_nobody_go_on_alone_makes_one_chain() -> None:
    alone = world_of(4, TOGETHER % "true", {"node-2": Fault.FIRST_BOOT_FAILS})
    deployed(alone)
    assert len(started(alone, "send_environment")) == 2
    world = world_of(4, TOGETHER % "false", {"node-2": Fault.FIRST_BOOT_FAILS, "node-4": Fault.NEVER_BOOTS})
    operation = deployed(world)
    assert operation.having(Progress.OK) == world.nodes - NodeSet(["node-4"])
    assert started(world, "send_environment") == ["0 node-[1-3]"]
    told = [event.what for event in world.events.all if isinstance(event, Decided)]
    assert "node-[1-3] go on together: nobody is in the macro-step before any more" in told
    assert sum(len(NodeSet.parse(event.nodes)) for event in world.events.all if isinstance(event, NodesDone)) == 3


def test_nobody_is_left_when_nobody_passed() -> None:
    world = world_of(2, TOGETHER % "false", {"node-1": Fault.NEVER_BOOTS, "node-2": Fault.NEVER_BOOTS})
    operation = deployed(world)
    assert operation.state is OperationState.DONE
    assert operation.having(Progress.KO) == world.nodes
    assert not started(world, "send_environment")


@pytest.mark.parametrize("moment", [20.0, 63.0, 100.0, 140.0, 180.0, 200.0])
def test_killed_while_nodes_wait_for_others_they_still_go_on_together(moment: float) -> None:
    world = world_of(4, TOGETHER % "false", {"node-2": Fault.FIRST_BOOT_FAILS})

    async def scenario() -> Operation:
        operation_id = await world.submit(request_for(world.nodes))
        await asyncio.sleep(moment)
        await world.restart()
        await world.engine.wait(operation_id)
        return await world.operations.get(operation_id)

    operation = run_jumping(scenario())
    assert operation.having(Progress.OK) == world.nodes
    assert set(started(world, "send_environment")) == {"0 node-[1-4]"}


def test_timeouts_count_the_nodes_that_began_together() -> None:
    """node-2 waits by itself, and still has the time that three nodes have."""
    world = world_of(3, "{}", {"node-2": Fault.NEVER_BOOTS})
    deployed(world, reboot_timeout=Timeout("100 + 50*n"))
    reasons = [reason for line in log(world, "node-2", "SetDeploymentEnv") if "no answer" in (reason := line)]
    assert reasons[0] == "Untrusted.wait_reboot: no answer from the minimal environment within 250 s"


def test_dummies_install_nothing_and_end_well() -> None:
    dummies = "".join(f"{macro}: [{{type: Dummy}}]\n" for macro in ("SetDeploymentEnv", "BroadcastEnv", "BootNewEnv"))
    world = world_of(3, dummies)
    assert deployed(world).having(Progress.OK) == world.nodes
    assert not world.cluster.nodes["node-1"].ran


def test_the_scripts_of_environment_and_cluster_run_in_their_order() -> None:
    script = Archive(archive="server:///a.tgz", compression=Compression.GZIP, script="go")
    world = world_of(2, "{}")
    world.site = replace(
        world.site, clusters={"sim": replace(world.site.clusters["sim"], postinstalls=(script, script))}
    )
    operation = deployed(world, environment=environment_of(preinstall=script, postinstalls=(script,)))
    assert operation.having(Progress.OK) == world.nodes
    assert world.cluster.nodes["node-1"].ran.count("run_script") == 4
    told = [line for line in log(world, "node-1", "SetDeploymentEnv", "BroadcastEnv") if "install" in line]
    assert told == [
        "UntrustedCustomPreInstall.manage_admin_pre_install",
        "Chain.manage_admin_post_install",
        "Chain.manage_user_post_install",
        "Chain.install_bootloader",
    ]
