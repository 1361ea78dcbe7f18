"""The micro-steps of SetDeploymentEnv: into the minimal environment, and the disk made ready."""

from __future__ import annotations

from typing import Final

from kadeploy.domain.boot import BootKind, BootTarget
from kadeploy.domain.disk import Role
from kadeploy.domain.node import Cluster
from kadeploy.domain.power import Level
from kadeploy.plans.entry import Entry, first_of
from kadeploy.plans.left_out import (
    if_unreadable,
    on_several_partitions,
    on_whole_disk,
    unless_unpacked,
    without_drivers,
    without_key,
    without_partitioning,
    without_preinstalls,
    without_swap,
    without_tmp,
    without_vlan,
)
from kadeploy.plans.wanted import TREE, Wanted
from kadeploy.ports.presence import System
from kadeploy.ports.step import Step
from kadeploy.steps.await_boot import AwaitBoot
from kadeploy.steps.check_nodes import CheckNodes
from kadeploy.steps.create_partition_table import CreatePartitionTable
from kadeploy.steps.format import Format
from kadeploy.steps.kexec import Kexec
from kadeploy.steps.load_drivers import LoadDrivers
from kadeploy.steps.mount import Mount
from kadeploy.steps.reboot import Reboot
from kadeploy.steps.run_archives import Moment, RunArchives
from kadeploy.steps.send_deployment_kernel import SendDeploymentKernel
from kadeploy.steps.send_key import SendKey
from kadeploy.steps.set_vlan import SetVlan
from kadeploy.steps.switch_boot import SwitchBoot

DEFAULT_VLAN: Final = "DEFAULT"
TMP_TREE: Final = "/mnt/tmp"


def minimal_target(cluster: Cluster) -> BootTarget:
    return BootTarget(kind=BootKind.MINIMAL, params=cluster.deploy_params)


def _nfsroot(wanted: Wanted) -> Step:
    params = wanted.cluster.nfsroot.params if wanted.cluster.nfsroot else ""
    return SwitchBoot(target=BootTarget(kind=BootKind.NFSROOT, params=params))


def _await_minimal(wanted: Wanted) -> Step:
    return AwaitBoot(system=System.MINIMAL, timeout=wanted.reboot_timeout, patience=wanted.cluster.patience)


def _await_kexec(wanted: Wanted) -> Step:
    timeout = wanted.kexec_timeout
    return AwaitBoot(system=System.MINIMAL, timeout=timeout, patience=wanted.cluster.patience, kexec=True)


def _send_kernel(wanted: Wanted) -> Step:
    return SendDeploymentKernel(target=minimal_target(wanted.cluster), folder=wanted.cluster.kexec_folder)


def _kexec(wanted: Wanted) -> Step:
    return Kexec(minimal=minimal_target(wanted.cluster), folder=wanted.cluster.kexec_folder)


def _format_deploy(wanted: Wanted) -> Step:
    return Format(role=Role.DEPLOY, number=wanted.number, filesystem=wanted.request.environment.filesystem)


def _format_tmp(wanted: Wanted) -> Step:
    number = wanted.partition_of(Role.TMP) or 0
    keep = not wanted.request.reformat_tmp
    return Format(role=Role.TMP, number=number, filesystem=wanted.tmp_filesystem(), keep=keep)


def _format_swap(wanted: Wanted) -> Step:
    return Format(role=Role.SWAP, number=wanted.partition_of(Role.SWAP) or 0, filesystem="swap")


def _mount_tmp(wanted: Wanted) -> Step:
    return Mount(number=wanted.partition_of(Role.TMP) or 0, path=TMP_TREE, role=Role.TMP)


def _check_nodes(wanted: Wanted) -> Step:
    return CheckNodes(number=wanted.cluster.layout.number_of(Role.PROD) or 0)


def _preinstall(wanted: Wanted) -> Step:
    return RunArchives(moment=Moment.ADMIN_BEFORE, archives=wanted.scripts(wanted.before), exported=wanted.exported)


_BESIDE = first_of(on_whole_disk, on_several_partitions)  # nothing is made besides what is deployed

SWITCH_TO_MINIMAL = Entry(name="switch_pxe", make=lambda wanted: SwitchBoot(target=minimal_target(wanted.cluster)))
SWITCH_TO_NFSROOT = Entry(name="switch_pxe", make=_nfsroot)
VLAN_DEFAULT = Entry(name="set_vlan", make=lambda _: SetVlan(vlan=DEFAULT_VLAN), left_out=without_vlan)
REBOOT_SOFT = Entry(name="reboot", make=lambda _: Reboot(level=Level.SOFT))
AWAIT_MINIMAL = Entry(name="wait_reboot", make=_await_minimal)
AWAIT_MINIMAL_BY_KEXEC = Entry(name="wait_reboot", make=_await_kexec)
SEND_KERNEL = Entry(name="send_deployment_kernel", make=_send_kernel)
KEXEC_TO_MINIMAL = Entry(name="kexec", make=_kexec)
CHECK_NODES = Entry(name="check_nodes", make=_check_nodes)
LOAD_DRIVERS = Entry(
    name="load_drivers", make=lambda wanted: LoadDrivers(drivers=wanted.cluster.drivers), left_out=without_drivers
)
KEY_TO_MINIMAL = Entry(
    name="send_key_in_deploy_env",
    make=lambda wanted: SendKey(tree="/", authorized_keys=wanted.request.authorized_keys),
    left_out=without_key,
)
PREINSTALL = Entry(name="manage_admin_pre_install", make=_preinstall, left_out=without_preinstalls)
PARTITION = Entry(
    name="create_partition_table",
    make=lambda wanted: CreatePartitionTable(layout=wanted.cluster.layout),
    left_out=first_of(on_whole_disk, without_partitioning),
)
FORMAT_DEPLOY = Entry(name="format_deploy_part", make=_format_deploy, left_out=first_of(on_whole_disk, unless_unpacked))
MOUNT_DEPLOY = Entry(
    name="mount_deploy_part",
    make=lambda wanted: Mount(number=wanted.number, path=TREE),
    left_out=first_of(unless_unpacked, if_unreadable),
)
FORMAT_TMP = Entry(name="format_tmp_part", make=_format_tmp, left_out=first_of(_BESIDE, without_tmp))
FORMAT_SWAP = Entry(name="format_swap_part", make=_format_swap, left_out=first_of(_BESIDE, without_swap))
MOUNT_TMP = Entry(name="mount_tmp_part", make=_mount_tmp, left_out=first_of(_BESIDE, without_tmp))
