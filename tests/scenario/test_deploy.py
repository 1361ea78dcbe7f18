"""Whole deployments on the simulated cluster: what each node ends as, and when."""

from __future__ import annotations

import asyncio

import pytest

from kadeploy.domain.event import NodeFailed, NodesDone, StepEnded, StepStarted
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation
from kadeploy.domain.state import OperationState, Progress
from kadeploy.testing.clock import run_jumping
from kadeploy.testing.nodes import Fault
from kadeploy.testing.sites import request_for
from tests.scenario.world import World


def deploy(count: int, faults: dict[str, Fault] | None = None) -> tuple[World, Operation]:
    async def scenario() -> tuple[World, Operation]:
        world = World(count, faults=faults)
        return world, await world.deploy()

    return run_jumping(scenario())


def steps_of(world: World, node: str) -> list[str]:
    return [
        event.micro
        for event in world.events.all
        if isinstance(event, StepStarted) and node in NodeSet.parse(event.nodes)
    ]


def test_every_healthy_node_is_installed_in_the_order_of_the_tables() -> None:
    world, operation = deploy(3)
    assert operation.state is OperationState.DONE
    assert operation.having(Progress.OK) == world.nodes
    assert steps_of(world, "node-1") == [
        "switch_pxe",
        "reboot",
        "wait_reboot",
        "send_key_in_deploy_env",
        "create_partition_table",
        "format_deploy_part",
        "mount_deploy_part",
        "format_tmp_part",
        "format_swap_part",
        "renew_deploy_part",
        "send_environment",
        "configure_system",
        "check_kernel_files",
        "send_key",
        "install_bootloader",
        "sync",
        "switch_pxe",
        "mount_deploy_part",
        "kexec",
        "wait_reboot",
    ]
    assert not world.operations.locks


def test_two_hundred_nodes_with_every_fault() -> None:
    faults = {f"node-{10 * index}": fault for index, fault in enumerate(Fault, start=1)}
    world, operation = deploy(200, faults)
    cured = {
        Fault.BOOTS_LATE,
        Fault.KEXEC_FAILS,
        Fault.FIRST_BOOT_FAILS,
        Fault.HANGS,
        Fault.AGENT_DISCONNECTS,
        Fault.SLOW_DISK,
        Fault.CORRUPT_CHUNK,
    }
    lost = set(Fault) - cured
    expected = NodeSet(name for name, fault in faults.items() if fault in lost)
    assert operation.having(Progress.KO) == expected
    assert operation.having(Progress.OK) == world.nodes - expected
    reasons = {name: f"{operation.outcomes[name].micro}: {operation.outcomes[name].reason}" for name in expected}
    named = {fault: reasons[name] for name, fault in faults.items() if fault in lost}
    assert named[Fault.NEVER_BOOTS] == "wait_reboot: no answer from the minimal environment within 300 s"
    assert named[Fault.BMC_REFUSES] == "reboot: the BMC refused the user or password"
    assert named[Fault.SMALL_DISK].startswith("create_partition_table: the disk is too small")


def test_dead_nodes_do_not_hold_up_the_healthy() -> None:
    def median_end(faults: dict[str, Fault]) -> float:
        world, _ = deploy(100, faults)
        ends = [
            event.at for event in world.events.all if isinstance(event, NodesDone) for _ in NodeSet.parse(event.nodes)
        ]
        return sorted(ends)[len(ends) // 2] - world.events.all[0].at

    dead = {"node-7": Fault.NEVER_BOOTS, "node-70": Fault.NEVER_BOOTS}
    assert median_end(dead) <= median_end({}) * 1.05


def test_a_node_that_fails_once_is_retried_hard_and_catches_up() -> None:
    world, operation = deploy(3, {"node-2": Fault.FIRST_BOOT_FAILS})
    assert operation.having(Progress.OK) == world.nodes
    assert world.cluster.nodes["node-2"].boots == 2


def test_kexec_falls_back_to_a_reboot() -> None:
    world, operation = deploy(3, {"node-2": Fault.KEXEC_FAILS})
    assert operation.having(Progress.OK) == world.nodes
    instances = [event.instance for event in world.events.all if isinstance(event, StepEnded) and "node-2" in event.ok]
    assert instances[-1] == "HardReboot"


def test_all_nodes_dead_ends_the_operation() -> None:
    world, operation = deploy(3, {f"node-{index}": Fault.NEVER_BOOTS for index in (1, 2, 3)})
    assert operation.state is OperationState.DONE
    assert operation.having(Progress.KO) == world.nodes
    assert len([event for event in world.events.all if isinstance(event, NodeFailed)]) == 3


@pytest.mark.parametrize("moment", [5.0, 33.0, 38.0, 50.0, 61.0, 75.0, 80.0, 90.0])
def test_killed_at_any_moment_the_deployment_finishes_and_runs_nothing_twice(moment: float) -> None:
    async def scenario() -> World:
        world = World(4)
        operation_id = await world.submit()
        await asyncio.sleep(moment)
        await world.restart()
        await world.engine.wait(operation_id)
        assert (await world.operations.get(operation_id)).having(Progress.OK) == world.nodes
        return world

    undisturbed, _ = deploy(4)
    for name, node in run_jumping(scenario()).cluster.nodes.items():
        assert node.ran == undisturbed.cluster.nodes[name].ran


def test_an_abort_ends_the_running_step_and_gives_the_nodes_back() -> None:
    async def scenario() -> tuple[World, Operation]:
        world = World(5)
        operation_id = await world.submit()
        await asyncio.sleep(50)
        await world.engine.abort(operation_id, by="alice")
        return world, await world.operations.get(operation_id)

    world, operation = run_jumping(scenario())
    assert operation.state is OperationState.ABORTED
    assert operation.having(Progress.ABORTED) == world.nodes
    assert not world.operations.locks


def test_no_kexec_leaves_it_out_of_the_plan() -> None:
    async def scenario() -> tuple[World, Operation]:
        world = World(2)
        return world, await world.deploy(request_for(world.nodes, disable_kexec=True))

    world, operation = run_jumping(scenario())
    assert operation.having(Progress.OK) == world.nodes
    assert "kexec" not in steps_of(world, "node-1")
