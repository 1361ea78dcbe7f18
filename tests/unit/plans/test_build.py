"""From request and cluster to plan: a table of what is adapted, and plans that survive storage."""

from __future__ import annotations

import pytest

from kadeploy.domain.environment import Archive, OsKind
from kadeploy.domain.image import Compression, Image, ImageKind
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import Level, PowerAction
from kadeploy.domain.request import PowerRequest, RebootKind, RebootRequest
from kadeploy.domain.timeout import Timeout
from kadeploy.errors import ConflictingOptions, InvalidEnvironment, InvalidOption, KadeployError
from kadeploy.plans.build import build_deploy, build_power, build_reboot
from kadeploy.plans.codec import decode, encode
from kadeploy.testing.sites import environment_of, request_for, site_of

SITE = site_of(3)
NODES = NodeSet(SITE.nodes)


def instances(**changes: object) -> list[str]:
    plan = build_deploy(request_for(NODES, **changes), SITE, "sim")
    return [attempt.instance for stage in plan.stages for attempt in stage.attempts]


def steps(**changes: object) -> set[str]:
    plan = build_deploy(request_for(NODES, **changes), SITE, "sim")
    return {step.name for stage in plan.stages for attempt in stage.attempts for step in attempt.steps}


def test_the_plain_plan() -> None:
    assert instances() == ["Untrusted", "Chain", "Kexec", "Classical", "HardReboot"]


@pytest.mark.parametrize(
    "changes", [{"disable_kexec": True}, {"environment": environment_of(os=OsKind.OTHER)}], ids=["asked", "not linux"]
)
def test_no_kexec_where_it_cannot_or_must_not_be(changes: dict[str, object]) -> None:
    assert "Kexec" not in instances(**changes)


@pytest.mark.parametrize(
    ("changes", "gone"),
    [
        ({"authorized_keys": ""}, {"send_key"}),
        ({"disable_bootloader_install": True}, {"install_bootloader"}),
        ({"disable_disk_partitioning": True}, {"create_partition_table", "format_tmp_part"}),
        ({"partition": 2}, {"format_swap_part"}),
        ({"partition": 4}, {"format_tmp_part"}),
    ],
)
def test_steps_that_do_not_apply_are_left_out(changes: dict[str, object], gone: set[str]) -> None:
    assert steps() - steps(**changes) == gone


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"partition": 9}, InvalidOption),
        ({"environment": environment_of(filesystem="zfs")}, InvalidEnvironment),
        (
            {
                "environment": environment_of(
                    image=Image(file="server:///x", kind=ImageKind.DD, compression=Compression.XZ)
                )
            },
            InvalidEnvironment,
        ),
        (
            {"environment": environment_of(preinstall=Archive(archive="server:///a", compression=Compression.GZIP))},
            InvalidEnvironment,
        ),
        ({"disable_bootloader_install": True, "disable_kexec": True}, ConflictingOptions),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(
    changes: dict[str, object], error: type[KadeployError]
) -> None:
    with pytest.raises(error):
        build_deploy(request_for(NODES, **changes), SITE, "sim")


def test_a_plan_is_the_same_after_it_was_stored() -> None:
    for plan in (
        build_deploy(request_for(NODES, reboot_timeout=Timeout("60 + n")), SITE, "sim"),
        build_reboot(RebootRequest(nodes=NODES, kind=RebootKind.DEPLOY_ENV), SITE, "sim"),
        build_power(PowerRequest(nodes=NODES, action=PowerAction.OFF, level=Level.HARD), SITE, "sim"),
    ):
        assert decode(encode(plan)) == plan


def test_a_plan_prints_in_the_order_of_its_steps() -> None:
    text = str(build_reboot(RebootRequest(nodes=NODES), SITE, "sim"))
    assert text == "Reboot: Simple\n    switch_pxe\n    reboot\n    wait_reboot"
