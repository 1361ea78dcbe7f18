"""The installed system's grub.cfg, for a node that boots from its own disk: pure."""

from __future__ import annotations

import re
from typing import Final

_SERIAL: Final = re.compile(r"console=ttyS(\d+)(?:,(\d+))?")
_MODULES: Final = {"ext3": "ext2", "ext4": "ext2", "vfat": "fat"}
_SPECIAL: Final = re.compile(r"([\\\"$`;&|<>{}'])")


def module_of(filesystem: str) -> str:
    """GRUB's module that reads a file system."""
    return _MODULES.get(filesystem, filesystem)


def serial_lines(params: str) -> list[str]:
    """GRUB on the last serial line that the kernel uses as a console, beside the screen."""
    found = _SERIAL.findall(params)
    if not found:
        return []
    unit, speed = found[-1]
    return [
        f"serial --unit={unit} --speed={speed or 115200}",
        "terminal_input serial console",
        "terminal_output serial console",
    ]


def grub_config(*, uuid: str, filesystem: str, kernel: str, initrd: str, params: str) -> str:
    """One entry, booted at once. Paths are those inside the root file system."""
    arguments = kernel_arguments(uuid, params)
    lines = [
        "# Written by Kadeploy for this node.",
        "set default=0",
        "set timeout=0",
        *serial_lines(params),
        "insmod all_video",  # without it a kernel started by UEFI has no screen until its own driver loads
        "set gfxpayload=keep",
        "insmod part_gpt",
        f"insmod {module_of(filesystem)}",
        f"search --no-floppy --fs-uuid --set=root {uuid}",
        'menuentry "Deployed system" {',
        f"    linux {_quoted(kernel)} {' '.join(_quoted(word) for word in arguments.split())}",
        *([f"    initrd {_quoted(initrd)}"] if initrd else []),
        "}",
    ]
    return "\n".join(lines) + "\n"


def kernel_arguments(uuid: str, params: str) -> str:
    """What the installed kernel is told, also when it is not GRUB that starts it. A root= of the user's wins."""
    root = () if re.search(r"(^|\s)root=", params) else (f"root=UUID={uuid}", "ro")
    return " ".join((*root, *params.split()))


def _quoted(word: str) -> str:
    """Words of a GRUB script: its special characters lose their meaning."""
    return _SPECIAL.sub(r"\\\1", word)
