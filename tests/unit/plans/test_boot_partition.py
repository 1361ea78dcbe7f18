"""What is booted in the end: the disk, or one partition of it."""

from __future__ import annotations

import pytest

from kadeploy.domain.boot import LOCAL_DISK, BootTarget, Profile, of_partition
from kadeploy.domain.environment import OsKind
from kadeploy.domain.image import Compression, Image, ImageKind
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.request import RebootKind, RebootRequest
from kadeploy.engine.plan import Plan
from kadeploy.plans.build import build_deploy
from kadeploy.plans.reboot import build_reboot
from kadeploy.steps.check_boot_partition import CheckBootPartition
from kadeploy.steps.switch_boot import SwitchBoot
from kadeploy.testing.sites import environment_of, request_for, site_of

SITE = site_of(3)
NODES = NodeSet(SITE.nodes)
DD = Image(file="server:///x", kind=ImageKind.DD, compression=Compression.XZ)
WHOLE = {"whole_disk": True, "environment": environment_of(image=DD)}
OF_BSD = environment_of(filesystem="ufs", os=OsKind.OTHER, image=DD)


def plan_for(**changes: object) -> Plan:
    return build_deploy(request_for(NODES, **changes), SITE, "sim")


def switched_to(plan: Plan) -> list[BootTarget]:
    """By each way to get there."""
    steps = [micro.step for attempt in plan.stages[-1].attempts for micro in attempt.steps]
    return [step.target for step in steps if isinstance(step, SwitchBoot)]


@pytest.mark.parametrize(
    ("changes", "target"),
    [
        ({}, LOCAL_DISK),
        ({"boot_partition": 0}, LOCAL_DISK),
        ({"boot_partition": 3}, of_partition(3)),
        ({"boot_partition": 2}, of_partition(2)),
        ({"disable_bootloader_install": True}, of_partition(3)),
        ({"environment": OF_BSD}, of_partition(3)),
        ({"boot_partition": 0, "disable_bootloader_install": True}, LOCAL_DISK),
        ({**WHOLE, "boot_partition": 0}, LOCAL_DISK),
        ({**WHOLE, "boot_partition": 2}, of_partition(2)),
    ],
)
def test_the_disk_is_booted_unless_a_partition_is_named_or_brings_its_own_loader(
    changes: dict[str, object], target: BootTarget
) -> None:
    assert set(switched_to(plan_for(**changes))) == {target}


@pytest.mark.parametrize(
    ("booted", "instances"), [(3, ["Kexec", "Classical", "HardReboot"]), (2, ["Classical", "HardReboot"])]
)
def test_another_partition_than_the_deployed_one_is_not_booted_by_kexec(booted: int, instances: list[str]) -> None:
    plan = plan_for(partition=3, boot_partition=booted)
    assert [attempt.instance for attempt in plan.stages[-1].attempts] == instances
    why = "BootNewEnv: Kexec is left out: partition 2 is booted, not the one that is deployed"
    assert (why in plan.adapted) is (booted == 2)


@pytest.mark.parametrize(("booted", "looked"), [(None, []), (0, []), (2, [2]), (3, [3])])
def test_a_partition_that_was_named_is_looked_at_before_nodes_leave_for_it(
    booted: int | None, looked: list[int]
) -> None:
    steps = [micro.step for micro in plan_for(partition=3, boot_partition=booted).stages[1].attempts[0].steps]
    assert [step.number for step in steps if isinstance(step, CheckBootPartition)] == looked


def test_a_profile_says_itself_what_boots() -> None:
    plan = plan_for(boot_partition=2, profile=Profile(script="#!ipxe\n"))
    assert "check_boot_partition" not in {micro.name for micro in plan.stages[1].attempts[0].steps}


@pytest.mark.parametrize(
    ("kind", "partition", "target"),
    [
        (RebootKind.RECORDED_ENV, None, of_partition(3)),
        (RebootKind.RECORDED_ENV, 2, of_partition(2)),
        (RebootKind.SIMPLE, None, LOCAL_DISK),
    ],
)
def test_a_reboot_into_what_was_recorded_starts_its_partition(
    kind: RebootKind, partition: int | None, target: BootTarget
) -> None:
    plan = build_reboot(RebootRequest(nodes=NODES, kind=kind, partition=partition), SITE, "sim")
    assert switched_to(plan) == [target]
