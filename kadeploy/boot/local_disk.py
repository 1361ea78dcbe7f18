"""The EFI program that starts what is installed on a machine's own disk, for UEFI machines that boot from the network.

Leaving iPXE would do by the book (UEFI 3.1.1: the firmware tries its next boot entry), and takes minutes: the next
entries are the same card again, by IPv6 and by HTTP (OVMF had not come to the disk after four). So iPXE chains to GRUB,
which looks for a loader on the disks and starts it from there, as the firmware would. It is packed once, when the
server starts; without it there is only the book's way.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kadeploy.boot.grub import Platform, packed
from kadeploy.domain.loaders import EFI_LOADERS

MODULES: Final = ("part_gpt", "part_msdos", "fat", "search_fs_file", "chain", "boot", "minicmd")


def commands(loaders: Sequence[str]) -> str:
    """`boot` comes back only if it failed."""
    tries = (f"search.file {loader} root\nchainloader {loader}\nboot\n" for loader in loaders)
    return "".join(tries) + "exit\n"


async def disk_program() -> bytes:
    """Empty where it cannot be packed: then UEFI machines start their disk the slow way."""
    return await packed(Platform.EFI, commands(EFI_LOADERS), MODULES)
