"""The tables of a deployment: which micro-steps each instance of each macro-step is made of, in their order.

What of them applies to a request is decided by `adapt.py`; `build.py` makes the steps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kadeploy.plans.entries_boot import (
    AWAIT_INSTALLED,
    AWAIT_INSTALLED_BY_KEXEC,
    KEXEC,
    LEAVE,
    MOUNT_AGAIN,
    REBOOT_HARD,
    SWITCH_TO_INSTALLED,
    UNMOUNT,
    VLAN_OF_USER,
)
from kadeploy.plans.entries_image import (
    ADMIN_POSTINSTALL,
    BOOTLOADER,
    CHECK_BOOT,
    CHECK_KERNEL,
    CONFIGURE,
    DECOMPRESS,
    DECOMPRESS_AFTER_COMMAND,
    MOUNT_WRITTEN,
    RENEW,
    SEND,
    SEND_BY_COMMAND,
    SEND_BY_TREE,
    SEND_KEY,
    SEND_TO_EACH,
    SYNC,
    USER_POSTINSTALL,
)
from kadeploy.plans.entries_minimal import (
    AWAIT_MINIMAL,
    AWAIT_MINIMAL_BY_KEXEC,
    CHECK_NODES,
    FORMAT_DEPLOY,
    FORMAT_SWAP,
    FORMAT_TMP,
    KEXEC_TO_MINIMAL,
    KEY_TO_MINIMAL,
    LOAD_DRIVERS,
    MOUNT_DEPLOY,
    PARTITION,
    PREINSTALL,
    REBOOT_SOFT,
    SEND_KERNEL,
    SWITCH_TO_MINIMAL,
    SWITCH_TO_NFSROOT,
    VLAN_DEFAULT,
)
from kadeploy.plans.entry import Entry
from kadeploy.steps.dummy import Dummy

Table = Mapping[str, tuple[Entry, ...]]

_DUMMY: Final = Entry(name="dummy", make=lambda _: Dummy())
_NOTHING: Final = (_DUMMY, _DUMMY)
_DISK: Final = (
    LOAD_DRIVERS,
    KEY_TO_MINIMAL,
    PARTITION,
    FORMAT_DEPLOY,
    MOUNT_DEPLOY,
    FORMAT_TMP,
    FORMAT_SWAP,
)
_OWN: Final = (ADMIN_POSTINSTALL, USER_POSTINSTALL, CHECK_KERNEL, SEND_KEY, BOOTLOADER, CHECK_BOOT, SYNC)

SET_DEPLOYMENT_ENV: Final[Table] = {
    "Untrusted": (SWITCH_TO_MINIMAL, VLAN_DEFAULT, REBOOT_SOFT, AWAIT_MINIMAL, *_DISK),
    "Kexec": (VLAN_DEFAULT, SEND_KERNEL, KEXEC_TO_MINIMAL, AWAIT_MINIMAL_BY_KEXEC, *_DISK),
    "UntrustedCustomPreInstall": (
        *(SWITCH_TO_MINIMAL, VLAN_DEFAULT, REBOOT_SOFT, AWAIT_MINIMAL, LOAD_DRIVERS, KEY_TO_MINIMAL),
        PREINSTALL,
    ),
    "Prod": (CHECK_NODES, FORMAT_DEPLOY, MOUNT_DEPLOY, FORMAT_TMP),
    "Nfsroot": (SWITCH_TO_NFSROOT, VLAN_DEFAULT, REBOOT_SOFT, AWAIT_MINIMAL, *_DISK),
    "Dummy": _NOTHING,
}

BROADCAST_ENV: Final[Table] = {
    "Chain": (RENEW, SEND, DECOMPRESS, MOUNT_WRITTEN, CONFIGURE, *_OWN),
    "Tree": (RENEW, SEND_BY_TREE, DECOMPRESS, MOUNT_WRITTEN, CONFIGURE, *_OWN),
    "Unicast": (RENEW, SEND_TO_EACH, DECOMPRESS, MOUNT_WRITTEN, CONFIGURE, *_OWN),
    "Custom": (RENEW, SEND_BY_COMMAND, DECOMPRESS_AFTER_COMMAND, MOUNT_WRITTEN, CONFIGURE, *_OWN),
    "Dummy": _NOTHING,
}

BOOT_NEW_ENV: Final[Table] = {
    "Kexec": (SWITCH_TO_INSTALLED, MOUNT_AGAIN, KEXEC, VLAN_OF_USER, AWAIT_INSTALLED_BY_KEXEC),
    "Classical": (SWITCH_TO_INSTALLED, UNMOUNT, LEAVE, VLAN_OF_USER, AWAIT_INSTALLED),
    "HardReboot": (SWITCH_TO_INSTALLED, REBOOT_HARD, VLAN_OF_USER, AWAIT_INSTALLED),
    "PivotRoot": (),  # Kadeploy3's name for what it never did: refused
    "Dummy": _NOTHING,
}

MACROS: Final[Mapping[str, Table]] = {
    "SetDeploymentEnv": SET_DEPLOYMENT_ENV,
    "BroadcastEnv": BROADCAST_ENV,
    "BootNewEnv": BOOT_NEW_ENV,
}
