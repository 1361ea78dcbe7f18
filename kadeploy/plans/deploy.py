"""The tables of a deployment: which micro-steps each instance of each macro-step is made of, in their order.

An entry is a function from what was asked for (`Wanted`) to a step, or None where the step does not apply.
`build.py` fills them in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from kadeploy.domain.boot import LOCAL_DISK, BootKind, BootTarget
from kadeploy.domain.disk import Role
from kadeploy.domain.node import Cluster
from kadeploy.domain.power import Level
from kadeploy.domain.request import DeployRequest
from kadeploy.ports.presence import System
from kadeploy.ports.step import Step
from kadeploy.steps.await_boot import AwaitBoot
from kadeploy.steps.check_kernel_files import CheckKernelFiles
from kadeploy.steps.configure_system import ConfigureSystem
from kadeploy.steps.create_partition_table import CreatePartitionTable
from kadeploy.steps.format import Format
from kadeploy.steps.install_bootloader import InstallBootloader
from kadeploy.steps.kexec import Kexec
from kadeploy.steps.mount import Mount, Unmount
from kadeploy.steps.reboot import Reboot
from kadeploy.steps.reboot_from_deploy_env import RebootFromDeployEnv
from kadeploy.steps.renew_tree import RenewTree
from kadeploy.steps.send_image import SendImage
from kadeploy.steps.send_key import SendKey
from kadeploy.steps.switch_boot import SwitchBoot
from kadeploy.steps.sync import Sync

TREE: Final = "/mnt/dest"  # where the deployment partition is mounted in the minimal environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a table's entries are made from: the request, its cluster, and the partition that is deployed."""

    request: DeployRequest
    cluster: Cluster
    root: int

    @property
    def params(self) -> str:
        """The cluster's kernel arguments and the environment's, merged."""
        return f"{self.cluster.user_params} {self.request.environment.boot.kernel_params}".strip()

    def number(self, role: Role) -> int | None:
        """The partition with that role, unless it is the one being deployed."""
        number = self.cluster.layout.number_of(role)
        return None if number == self.root else number


Entry = Callable[[Wanted], Step | None]


def minimal_boot(cluster: Cluster) -> SwitchBoot:
    return SwitchBoot(target=BootTarget(kind=BootKind.MINIMAL, params=cluster.deploy_params))


def _await_minimal(wanted: Wanted) -> Step:
    timeout = wanted.request.reboot_timeout or wanted.cluster.reboot_timeout
    return AwaitBoot(system=System.MINIMAL, timeout=timeout, patience=wanted.cluster.patience)


def _await_installed(wanted: Wanted) -> Step:
    timeout = wanted.request.reboot_timeout or wanted.cluster.reboot_timeout
    return AwaitBoot(system=System.INSTALLED, timeout=timeout, patience=wanted.cluster.patience)


def _await_kexec(wanted: Wanted) -> Step:
    timeout = wanted.request.kexec_timeout or wanted.cluster.kexec_timeout
    return AwaitBoot(system=System.INSTALLED, timeout=timeout, patience=wanted.cluster.patience)


def _partition(wanted: Wanted) -> Step | None:
    if wanted.request.disable_disk_partitioning:
        return None
    return CreatePartitionTable(layout=wanted.cluster.layout)


def _format_deploy(wanted: Wanted) -> Step:
    return Format(role=Role.DEPLOY, number=wanted.root, filesystem=wanted.request.environment.filesystem)


def _format_tmp(wanted: Wanted) -> Step | None:
    number = wanted.number(Role.TMP)
    if number is None or wanted.request.disable_disk_partitioning:
        return None
    filesystem = wanted.cluster.layout.partition(number).filesystem or "ext4"
    return Format(role=Role.TMP, number=number, filesystem=filesystem)


def _format_swap(wanted: Wanted) -> Step | None:
    number = wanted.number(Role.SWAP)
    return None if number is None else Format(role=Role.SWAP, number=number, filesystem="swap")


def _renew(wanted: Wanted) -> Step:
    return RenewTree(number=wanted.root, filesystem=wanted.request.environment.filesystem, path=TREE)


def _send_image(wanted: Wanted) -> Step:
    image = wanted.request.environment.image
    return SendImage(image=wanted.request.image, kind=image.kind, compression=image.compression, destination=TREE)


def _configure(wanted: Wanted) -> Step:
    mounts = {wanted.root: "/"}
    if (swap := wanted.number(Role.SWAP)) is not None:
        mounts[swap] = "swap"
    if (tmp := wanted.number(Role.TMP)) is not None and not wanted.request.disable_disk_partitioning:
        mounts[tmp] = "/tmp"
    return ConfigureSystem(tree=TREE, mounts=mounts)


def _check_kernel(wanted: Wanted) -> Step:
    boot = wanted.request.environment.boot
    return CheckKernelFiles(tree=TREE, files=tuple(path for path in (boot.kernel, boot.initrd) if path))


def _send_key(wanted: Wanted) -> Step | None:
    keys = wanted.request.authorized_keys
    return SendKey(tree=TREE, authorized_keys=keys) if keys else None


def _bootloader(wanted: Wanted) -> Step | None:
    if wanted.request.disable_bootloader_install:
        return None
    boot = wanted.request.environment.boot
    return InstallBootloader(
        tree=TREE,
        root_number=wanted.root,
        boot_number=wanted.cluster.layout.number_of(Role.BOOT) or 0,
        kernel=boot.kernel,
        initrd=boot.initrd,
        params=wanted.params,
    )


def _kexec(wanted: Wanted) -> Step:
    boot = wanted.request.environment.boot
    return Kexec(tree=TREE, root_number=wanted.root, kernel=boot.kernel, initrd=boot.initrd, params=wanted.params)


SET_DEPLOYMENT_ENV: Final[Mapping[str, tuple[Entry, ...]]] = {
    "Untrusted": (
        lambda wanted: minimal_boot(wanted.cluster),
        lambda _: Reboot(level=Level.SOFT),
        _await_minimal,
        _partition,
        _format_deploy,
        lambda wanted: Mount(number=wanted.root, path=TREE),
        _format_tmp,
        _format_swap,
    ),
}

BROADCAST_ENV: Final[Mapping[str, tuple[Entry, ...]]] = {
    "Chain": (
        _renew,
        _send_image,
        _configure,
        _check_kernel,
        _send_key,
        _bootloader,
        lambda _: Sync(),
    ),
}

BOOT_NEW_ENV: Final[Mapping[str, tuple[Entry, ...]]] = {
    "Kexec": (
        lambda _: SwitchBoot(target=LOCAL_DISK),
        _kexec,
        _await_kexec,
    ),
    "Classical": (
        lambda _: SwitchBoot(target=LOCAL_DISK),
        lambda _: Unmount(path=TREE, timeout=30.0),
        lambda _: RebootFromDeployEnv(),
        _await_installed,
    ),
    "HardReboot": (
        lambda _: SwitchBoot(target=LOCAL_DISK),
        lambda _: Reboot(level=Level.HARD),
        _await_installed,
    ),
}

MACROS: Final[Mapping[str, Mapping[str, tuple[Entry, ...]]]] = {
    "SetDeploymentEnv": SET_DEPLOYMENT_ENV,
    "BroadcastEnv": BROADCAST_ENV,
    "BootNewEnv": BOOT_NEW_ENV,
}
