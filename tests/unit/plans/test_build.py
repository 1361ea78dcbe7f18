"""From request and cluster to plan: what runs, what is refused, and plans that survive storage."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kadeploy.domain.automaton import Chosen, MicroSettings
from kadeploy.domain.boot import Profile
from kadeploy.domain.disk import Role
from kadeploy.domain.environment import Archive, Environment, OsKind, Part
from kadeploy.domain.environment_name import Architecture
from kadeploy.domain.image import Compression, Image, ImageKind, LocalFile
from kadeploy.domain.node import Cluster, Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import Level, PowerAction
from kadeploy.domain.request import PowerRequest, RebootKind, RebootRequest
from kadeploy.domain.timeout import Timeout
from kadeploy.errors import (
    ConflictingOptions,
    InvalidEnvironment,
    InvalidOption,
    KadeployError,
    MissingOption,
)
from kadeploy.plans import show
from kadeploy.plans.build import build_deploy, build_power
from kadeploy.plans.codec import decode, encode
from kadeploy.plans.reboot import build_reboot
from kadeploy.steps.decompress_environment import DecompressEnvironment
from kadeploy.steps.format import Format
from kadeploy.steps.run_archives import RunArchives
from kadeploy.steps.send_image import Place, SendImage
from kadeploy.testing.sites import environment_of, request_for, site_of

SITE = site_of(3)
NODES = NodeSet(SITE.nodes)
SCRIPT = Archive(archive="server:///a.tgz", compression=Compression.GZIP, script="run.sh -v")
PROFILE = Profile(script="#!ipxe\n# NODE_SINGULARITY\n", singularities={"node-1": "one"})
WHOLE = {"whole_disk": True, "boot_partition": 0}


def image(kind: ImageKind) -> Image:
    return Image(file="server:///x", kind=kind, compression=Compression.XZ)


def site_with(**changes: object) -> Site:
    cluster: Cluster = replace(SITE.clusters["sim"], **changes)  # type: ignore[arg-type]
    return replace(SITE, clusters={"sim": cluster})


def instances(site: Site = SITE, **changes: object) -> list[str]:
    plan = build_deploy(request_for(NODES, **changes), site, "sim")
    return [attempt.instance for stage in plan.stages for attempt in stage.attempts]


def test_the_plain_plan() -> None:
    assert instances() == ["Untrusted", "Chain", "Kexec", "Classical", "HardReboot"]


def test_every_instance_has_its_steps() -> None:
    automaton = {
        "SetDeploymentEnv": [Chosen(instance=name) for name in ("Kexec", "UntrustedCustomPreInstall", "Dummy")],
        "BroadcastEnv": [Chosen(instance="Bittorrent")],
        "BootNewEnv": [Chosen(instance=name) for name in ("Kexec", "Classical", "HardReboot", "Dummy")],
    }
    plan = build_deploy(
        request_for(NODES, automaton={macro: tuple(chosen) for macro, chosen in automaton.items()}),
        site_with(preinstalls=(SCRIPT,)),
        "sim",
    )
    told = {
        f"{stage.macro}{attempt.instance}": " ".join(micro.name for micro in attempt.steps)
        for stage in plan.stages
        for attempt in stage.attempts
    }
    disk = "create_partition_table format_deploy_part mount_deploy_part format_tmp_part format_swap_part"
    assert told == {
        "SetDeploymentEnvKexec": f"send_deployment_kernel kexec wait_reboot send_key_in_deploy_env {disk}",
        "SetDeploymentEnvUntrustedCustomPreInstall": "switch_pxe reboot wait_reboot send_key_in_deploy_env "
        "manage_admin_pre_install",
        "SetDeploymentEnvDummy": "dummy dummy",
        "BroadcastEnvChain": "renew_deploy_part send_environment configure_system check_kernel_files send_key "
        "install_bootloader sync",
        "BootNewEnvKexec": "switch_pxe mount_deploy_part kexec wait_reboot",
        "BootNewEnvClassical": "switch_pxe umount_deploy_part reboot_from_deploy_env wait_reboot",
        "BootNewEnvHardReboot": "switch_pxe reboot wait_reboot",
        "BootNewEnvDummy": "dummy dummy",
    }


@pytest.mark.parametrize(
    ("changes", "error", "told"),
    [
        ({"partition": 9}, InvalidOption, "has no partition 9"),
        ({"environment": environment_of(filesystem="zfs")}, InvalidEnvironment, "cannot make 'zfs'"),
        ({"reformat_tmp": "zfs"}, InvalidOption, "reformat_tmp_partition"),
        (WHOLE, ConflictingOptions, "only a dd image can be deployed to a whole disk"),
        (
            {"whole_disk": True, "environment": environment_of(image=image(ImageKind.DD))},
            MissingOption,
            "boot_partition: is required",
        ),
        ({"partition": 3, "boot_partition": 9}, InvalidOption, "boot_partition: cluster sim has no partition 9"),
        ({"automaton": {"BootNewEnv": (Chosen(instance="PivotRoot"),)}}, InvalidOption, "PivotRoot does not exist"),
        ({"automaton": {"SetDeploymentEnv": (Chosen(instance="Nfsroot"),)}}, InvalidOption, "nfsroot.vmlinuz"),
        ({"automaton": {"SetDeploymentEnv": (Chosen(instance="Prod"),)}}, InvalidOption, "role prod"),
        ({"automaton": {"BroadcastEnv": (Chosen(instance="Custom"),)}}, InvalidOption, "localops.broadcastenv.cmd"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(
    changes: dict[str, object], error: type[KadeployError], told: str
) -> None:
    with pytest.raises(error, match=told):
        build_deploy(request_for(NODES, **changes), SITE, "sim")


@pytest.mark.parametrize(("asked", "filesystem", "keep"), [("", "ext4", True), ("xfs", "xfs", False)])
def test_the_partition_for_tmp_keeps_its_files_unless_asked_otherwise(asked: str, filesystem: str, keep: bool) -> None:
    plan = build_deploy(request_for(NODES, reformat_tmp=asked), SITE, "sim")
    steps = [micro.step for micro in plan.stages[0].attempts[0].steps]
    (made,) = (step for step in steps if isinstance(step, Format) and step.role is Role.TMP)
    assert (made.filesystem, made.keep) == (filesystem, keep)


def test_all_that_cannot_be_is_told_at_once() -> None:
    request = request_for(NODES, environment=environment_of(filesystem="zfs"), reformat_tmp="reiser")
    with pytest.raises(KadeployError, match=r"for 2 reasons:\n(.*reiser.*\n.*zfs|.*zfs.*\n.*reiser)"):
        build_deploy(request, SITE, "sim")


def test_what_is_configured_for_attempts_and_steps_is_in_the_plan() -> None:
    settings = MicroSettings(timeout=Timeout("30 + n"), retries=2, raisable=False)
    chosen = Chosen(
        instance="Untrusted", retries=3, timeout=Timeout("500"), raisable=False, micro_steps={"sync": settings}
    )
    broadcast = Chosen(instance="Chain", micro_steps={"sync": settings}, breakpoint=True)
    site = site_with(automaton={"SetDeploymentEnv": (chosen,), "BroadcastEnv": (broadcast,), "BootNewEnv": ()})
    plan = build_deploy(request_for(NODES), site, "sim")
    first, second, _ = plan.stages
    assert (first.raisable, second.raisable) == (False, True)
    assert (first.attempts[0].retries, first.attempts[0].timeout) == (3, Timeout("500"))
    sync = second.attempts[0].steps[-1]
    assert (sync.name, sync.retries, sync.timeout, sync.raisable) == ("sync", 2, Timeout("30 + n"), False)
    assert [micro.name for micro in second.attempts[0].steps if micro.breakpoint] == ["renew_deploy_part"]
    assert "SetDeploymentEnvUntrusted: what is set for sync has no effect: it has no such step" in plan.adapted


def test_scripts_carry_the_pinned_files_and_the_variables() -> None:
    pinned = LocalFile(path="/cache/a", size=5, sha256="5" * 64)
    plan = build_deploy(
        request_for(
            NODES,
            environment=environment_of(postinstalls=(SCRIPT,)),
            files={"server:///a.tgz": pinned, "server:///admin.tgz": pinned},
        ),
        site_with(postinstalls=(replace(SCRIPT, archive="server:///admin.tgz"),)),
        "sim",
    )
    steps = [micro.step for micro in plan.stages[1].attempts[0].steps if isinstance(micro.step, RunArchives)]
    assert [step.name for step in steps] == ["manage_admin_post_install", "manage_user_post_install"]
    assert all(step.archives[0].file == pinned and step.archives[0].script == "run.sh -v" for step in steps)
    variables = steps[0].exported.of(SITE.nodes["node-1"], operation="D-1", user="alice")
    assert (variables["KADEPLOY_DEPLOY_PART"], variables["KADEPLOY_NODE"]) == ("/dev/vda3", "node-1")


@pytest.mark.parametrize(
    ("changes", "place", "number"),
    [
        ({}, Place.TREE, 3),
        ({"environment": environment_of(image=image(ImageKind.DD))}, Place.PARTITION, 3),
        ({"environment": environment_of(image=image(ImageKind.FSA))}, Place.FILE, 3),
        ({"environment": environment_of(image=image(ImageKind.DD)), **WHOLE}, Place.DISK, 0),
    ],
)
def test_where_an_image_goes(changes: dict[str, object], place: Place, number: int) -> None:
    plan = build_deploy(request_for(NODES, **changes), SITE, "sim")
    (step,) = (micro.step for micro in plan.stages[1].attempts[0].steps if isinstance(micro.step, SendImage))
    assert (step.place, step.number) == (place, number)


def test_a_plan_is_the_same_after_it_was_stored() -> None:
    chosen = Chosen(instance="Chain", retries=1, timeout=Timeout("9*n"), raisable=False)
    for plan in (
        build_deploy(request_for(NODES, reboot_timeout=Timeout("60 + n"), vlan="3"), SITE, "sim"),
        build_deploy(request_for(NODES, automaton={"BroadcastEnv": (chosen,)}, profile=PROFILE), SITE, "sim"),
        build_deploy(request_for(NODES, environment=environment_of(os=OsKind.XEN, preinstall=SCRIPT)), SITE, "sim"),
        build_deploy(request_for(NODES, environment=environment_of(image=image(ImageKind.FSA))), SITE, "sim"),
        *(build_reboot(RebootRequest(nodes=NODES, kind=kind, profile=PROFILE), SITE, "sim") for kind in RebootKind),
        build_power(PowerRequest(nodes=NODES, action=PowerAction.OFF, level=Level.HARD), SITE, "sim"),
    ):
        assert decode(encode(plan)) == plan


@pytest.mark.parametrize(
    ("kind", "steps"),
    [
        (RebootKind.SIMPLE, "switch_pxe reboot set_vlan wait_reboot"),
        (RebootKind.SET_PXE, "switch_pxe reboot set_vlan wait_reboot"),
        (RebootKind.DEPLOY_ENV, "switch_pxe reboot set_vlan wait_reboot send_key_in_deploy_env"),
        (RebootKind.RECORDED_ENV, "switch_pxe reboot set_vlan wait_reboot"),
    ],
)
def test_the_kinds_of_reboot(kind: RebootKind, steps: str) -> None:
    request = RebootRequest(nodes=NODES, kind=kind, profile=PROFILE, vlan="3", authorized_keys="ssh-ed25519 AAAA")
    plan = build_reboot(request, SITE, "sim")
    assert " ".join(micro.name for micro in plan.stages[0].attempts[0].steps) == steps


def test_a_reboot_into_a_profile_needs_one() -> None:
    with pytest.raises(MissingOption, match="profile is required"):
        build_reboot(RebootRequest(nodes=NODES, kind=RebootKind.SET_PXE), SITE, "sim")


def test_a_plan_is_shown_with_its_timeouts_for_so_many_nodes() -> None:
    plan = build_reboot(RebootRequest(nodes=NODES, reboot_timeout=Timeout("100 + 10*n")), SITE, "sim")
    assert show.text(plan, 3) == "Reboot: Simple\n    switch_pxe\n    reboot\n    wait_reboot  130 s"
    chosen = Chosen(
        instance="Classical",
        retries=1,
        timeout=Timeout("600"),
        raisable=False,
        micro_steps={"umount_deploy_part": MicroSettings(timeout=Timeout("5*n"), retries=2)},
    )
    site = site_with(automaton={"SetDeploymentEnv": (), "BroadcastEnv": (), "BootNewEnv": (chosen,)})
    shown = show.to_json(build_deploy(request_for(NODES), site, "sim"), 4)
    (boot,) = (macro for macro in shown["macro_steps"] if macro["name"] == "BootNewEnv")
    (attempt,) = boot["instances"]
    assert (attempt["name"], attempt["retries"], attempt["timeout"], boot["raisable"]) == ("Classical", 1, 600.0, False)
    told = {step["name"]: (step["timeout"], step["retries"]) for step in attempt["micro_steps"]}
    assert told["umount_deploy_part"] == (20.0, 2)
    assert told["wait_reboot"] == (300.0, 0)


def parts_of(environment: Environment, **more: object) -> list[tuple[int, str]]:
    """Where the plan puts the file systems of an archive, read back from how the plan is stored."""
    plan = decode(encode(build_deploy(request_for(NODES, environment=environment, **more), SITE, "sim")))
    steps = [micro.step for stage in plan.stages for attempt in stage.attempts for micro in attempt.steps]
    (found,) = [step for step in steps if isinstance(step, DecompressEnvironment)]
    return [(part.id, part.device) for part in found.parts]


def test_a_file_system_archive_goes_where_its_description_says() -> None:
    parts = (Part(id=2, device="/dev/vda2"), Part(id=0, device="/dev/vda3"))
    single = replace(environment_of(), image=image(ImageKind.FSA))
    assert parts_of(single) == [(0, "")]
    assert parts_of(replace(single, parts=parts)) == [(2, "")]
    several = replace(single, multipart=True, parts=parts, boot_disk="/dev/vda", boot_partition=3)
    assert parts_of(several) == [(2, "/dev/vda2"), (0, "/dev/vda3")]
    with pytest.raises(ConflictingOptions, match="says itself where it goes"):
        parts_of(several, partition=2)
    with pytest.raises(InvalidOption, match="has no partition 77"):
        parts_of(replace(several, boot_partition=77))


def test_other_processors_are_refused() -> None:
    arm = replace(environment_of(), architecture=Architecture.AARCH64)
    assert build_deploy(request_for(NODES, environment=arm), SITE, "sim").stages
    site = site_with(architecture=Architecture.X86_64)
    with pytest.raises(InvalidEnvironment, match="is for aarch64, and cluster sim has x86_64"):
        build_deploy(request_for(NODES, environment=arm), site, "sim")
