"""The automaton: which instances of each macro-step are tried, in which order, how often and how long.

What the configuration and a request may say, with Kadeploy3's words; `plans` makes plans of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from kadeploy.domain.timeout import Timeout

UNLIMITED: Final = Timeout("0")

INSTANCES: Final[Mapping[str, tuple[str, ...]]] = {
    "SetDeploymentEnv": ("Untrusted", "Kexec", "UntrustedCustomPreInstall", "Prod", "Nfsroot", "Dummy"),
    "BroadcastEnv": ("Chain", "Kascade", "Kastafior", "Bittorrent", "Tree", "Unicast", "Custom", "Dummy"),
    "BootNewEnv": ("Kexec", "Classical", "HardReboot", "PivotRoot", "Dummy"),
}
MICRO_STEPS: Final = frozenset(
    {
        *("switch_pxe", "set_vlan", "reboot", "wait_reboot", "reboot_from_deploy_env", "kexec"),
        *("send_deployment_kernel", "check_nodes", "create_partition_table", "format_deploy_part"),
        *("format_tmp_part", "format_swap_part", "mount_deploy_part", "umount_deploy_part", "mount_tmp_part"),
        *("send_key_in_deploy_env", "send_key", "manage_admin_pre_install", "send_environment"),
        *("decompress_environment", "manage_admin_post_install", "manage_user_post_install", "check_kernel_files"),
        *("install_bootloader", "sync", "power", "dummy", "load_drivers", "produce_bad_nodes"),
        *("renew_deploy_part", "configure_system", "fetch_files", "check_boot_partition"),
    }
)
"""Every micro-step's name but those of custom operations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MicroSettings:
    """How one micro-step is tried. `timeout` bounds one try; the step's own is used where it is not given.

    `raisable`: nodes that passed go on while the others are tried again; else they wait for these.
    """

    timeout: Timeout = UNLIMITED
    retries: int = 0
    raisable: bool = True
    breakpoint: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One instance in a macro-step's order of fallback. `timeout` bounds one turn of it.

    `raisable`: nodes that passed begin the next macro-step at once; else they wait until nobody is in this one.
    """

    instance: str
    retries: int = 0
    timeout: Timeout = UNLIMITED
    raisable: bool = True
    breakpoint: bool = False
    micro_steps: Mapping[str, MicroSettings] = field(default_factory=dict)


Automaton = Mapping[str, tuple[Chosen, ...]]
"""What is tried for each macro-step, by its name, the first one first."""

BUILT_IN: Final[Automaton] = {
    "SetDeploymentEnv": (Chosen(instance="Untrusted", retries=1),),
    "BroadcastEnv": (Chosen(instance="Chain", retries=1),),
    "BootNewEnv": (Chosen(instance="Kexec"), Chosen(instance="Classical"), Chosen(instance="HardReboot", retries=1)),
}


def plain_instance(macro: str, name: str) -> str | None:
    """`Untrusted`, for `Untrusted` and for `SetDeploymentEnvUntrusted`; None when the macro-step has no such one."""
    short = name.removeprefix(macro)
    return short if short in INSTANCES[macro] else None
