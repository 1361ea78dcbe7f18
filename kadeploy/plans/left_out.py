"""Why a micro-step is left out: each a sentence, or nothing where it stays."""

from __future__ import annotations

from kadeploy.domain.disk import Role
from kadeploy.domain.environment import OsKind
from kadeploy.domain.image import ImageKind
from kadeploy.plans.wanted import Wanted


def without_vlan(wanted: Wanted) -> str:
    return "" if wanted.request.vlan else "no VLAN was asked for"


def without_key(wanted: Wanted) -> str:
    return "" if wanted.request.authorized_keys else "no key was given"


def without_drivers(wanted: Wanted) -> str:
    return "" if wanted.cluster.drivers else "the cluster names none"


def on_whole_disk(wanted: Wanted) -> str:
    return "the whole disk is deployed" if wanted.root is None else ""


def on_several_partitions(wanted: Wanted) -> str:
    return "the environment has several partitions" if wanted.request.environment.multipart else ""


def without_partitioning(wanted: Wanted) -> str:
    return "the request leaves the partition table alone" if wanted.request.disable_disk_partitioning else ""


def unless_unpacked(wanted: Wanted) -> str:
    """Only a tar image needs a file system that is made and mounted before."""
    return "" if wanted.kind is ImageKind.TAR else f"a {wanted.kind} image brings its own file system"


def if_unpacked(wanted: Wanted) -> str:
    return "a tar image is unpacked into what is mounted" if wanted.kind is ImageKind.TAR else ""


def if_unreadable(wanted: Wanted) -> str:
    """What the minimal environment cannot mount, it cannot look into."""
    if wanted.is_readable:
        return ""
    filesystem = wanted.request.environment.filesystem
    named = f"the file system {filesystem}" if filesystem else "a file system that is not named"
    return on_whole_disk(wanted) or f"the minimal environment cannot mount {named}"


def without_tmp(wanted: Wanted) -> str:
    if wanted.partition_of(Role.TMP) is None:
        return "there is no partition for /tmp besides the one deployed"
    if wanted.request.disable_disk_partitioning and not wanted.request.reformat_tmp:
        return "the partition table is left alone, and no file system was asked for"
    return ""


def without_swap(wanted: Wanted) -> str:
    if wanted.partition_of(Role.SWAP) is None:
        return "there is no swap partition besides the one deployed"
    os = wanted.request.environment.os
    return "" if os is OsKind.LINUX else f"the environment is {os}, not linux"


def unless_stored(wanted: Wanted) -> str:
    return "" if wanted.is_stored else "the image is unpacked as it comes"


def unless_stored_by_command(wanted: Wanted) -> str:
    stored = wanted.is_stored or not wanted.cluster.broadcast_decompresses
    return "" if stored else "the image is unpacked as it comes"


def without_admin_postinstalls(wanted: Wanted) -> str:
    return "" if wanted.cluster.postinstalls else "the cluster has no postinstalls"


def without_user_postinstalls(wanted: Wanted) -> str:
    return "" if wanted.request.environment.postinstalls else "the environment has no postinstalls"


def without_preinstalls(wanted: Wanted) -> str:
    return "" if wanted.before else "neither the environment nor the cluster has a preinstall"


def without_kernel(wanted: Wanted) -> str:
    return "" if wanted.request.environment.boot.kernel else "the environment names no kernel"


def without_bootloader(wanted: Wanted) -> str:
    return "the request leaves the boot loader alone" if wanted.request.disable_bootloader_install else ""


def without_boot_partition(wanted: Wanted) -> str:
    if wanted.request.profile is not None:
        return "the request has a profile for the firmware to boot"
    return "" if wanted.request.boot_partition else "no partition to boot was named"


def unless_linux(wanted: Wanted) -> str:
    os = wanted.request.environment.os
    return f"the environment is {os}, not linux" if os is OsKind.OTHER and wanted.kind is not ImageKind.TAR else ""
