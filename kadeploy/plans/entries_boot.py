"""The micro-steps of BootNewEnv: into what was installed."""

from __future__ import annotations

from kadeploy.domain.boot import BootTarget, of_partition
from kadeploy.domain.power import Level
from kadeploy.domain.timeout import Timeout
from kadeploy.plans.entries_image import BOOTLOADER
from kadeploy.plans.entry import Entry
from kadeploy.plans.left_out import if_unreadable, without_vlan
from kadeploy.plans.wanted import TREE, Wanted
from kadeploy.ports.presence import System
from kadeploy.ports.step import Step
from kadeploy.steps.await_boot import AwaitBoot
from kadeploy.steps.kexec import Kexec
from kadeploy.steps.mount import Mount, Unmount
from kadeploy.steps.reboot import Reboot
from kadeploy.steps.reboot_from_deploy_env import RebootFromDeployEnv
from kadeploy.steps.set_vlan import SetVlan
from kadeploy.steps.switch_boot import SwitchBoot


def _switch(wanted: Wanted) -> Step:
    return SwitchBoot(target=_target(wanted), profile=wanted.request.profile)


def _target(wanted: Wanted) -> BootTarget:
    """What the request names; else the disk, whose loader was installed for the partition, or the partition where it
    was not: it brings its own."""
    if wanted.request.boot_partition is not None:
        return of_partition(wanted.request.boot_partition)
    return of_partition(wanted.number if BOOTLOADER.left_out(wanted) else 0)


def _kexec(wanted: Wanted) -> Step:
    boot = wanted.request.environment.boot
    return Kexec(tree=TREE, root_number=wanted.number, kernel=boot.kernel, initrd=boot.initrd, params=wanted.params)


def _await_reboot(wanted: Wanted) -> Step:
    return _await(wanted, wanted.reboot_timeout)


def _await_kexec(wanted: Wanted) -> Step:
    return _await(wanted, wanted.kexec_timeout, kexec=True)


def _await(wanted: Wanted, timeout: Timeout, *, kexec: bool = False) -> Step:
    return AwaitBoot(
        system=System.INSTALLED,
        timeout=timeout,
        patience=wanted.cluster.patience,
        kexec=kexec,
        addresses=wanted.request.addresses,
    )


SWITCH_TO_INSTALLED = Entry(name="switch_pxe", make=_switch)
UNMOUNT = Entry(name="umount_deploy_part", make=lambda _: Unmount(path=TREE, timeout=30.0), left_out=if_unreadable)
MOUNT_AGAIN = Entry(
    name="mount_deploy_part", make=lambda wanted: Mount(number=wanted.number, path=TREE), left_out=if_unreadable
)
LEAVE = Entry(name="reboot_from_deploy_env", make=lambda _: RebootFromDeployEnv())
KEXEC = Entry(name="kexec", make=_kexec)
REBOOT_HARD = Entry(name="reboot", make=lambda _: Reboot(level=Level.HARD))
VLAN_OF_USER = Entry(name="set_vlan", make=lambda wanted: SetVlan(vlan=wanted.request.vlan), left_out=without_vlan)
AWAIT_INSTALLED = Entry(name="wait_reboot", make=_await_reboot)
AWAIT_INSTALLED_BY_KEXEC = Entry(name="wait_reboot", make=_await_kexec)
