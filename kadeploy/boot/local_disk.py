"""The EFI program that starts what is installed on a machine's own disk, for UEFI machines that boot from the network.

Leaving iPXE would do by the book (UEFI 3.1.1: the firmware tries its next boot entry), and takes minutes: the next
entries are the same card again, by IPv6 and by HTTP (OVMF had not come to the disk after four). So iPXE chains to GRUB,
which looks for a loader on the disks and starts it from there, as the firmware would. Debian's modules, packed once
when the server starts; without them there is only the book's way.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from kadeploy import process

logger = logging.getLogger(__name__)

# What may be on a disk: the path for any machine (UEFI 3.5.1.1) first, then what systems name themselves.
LOADERS: Final = (
    "/EFI/BOOT/BOOTX64.EFI",
    "/EFI/debian/shimx64.efi",
    "/EFI/debian/grubx64.efi",
    "/EFI/ubuntu/shimx64.efi",
    "/EFI/fedora/shimx64.efi",
    "/EFI/centos/shimx64.efi",
    "/EFI/rocky/shimx64.efi",
    "/EFI/almalinux/shimx64.efi",
    "/EFI/redhat/shimx64.efi",
    "/EFI/opensuse/grubx64.efi",
    "/EFI/systemd/systemd-bootx64.efi",
    "/EFI/Microsoft/Boot/bootmgfw.efi",
)
MODULES: Final = ("part_gpt", "part_msdos", "fat", "search_fs_file", "chain", "boot", "minicmd")
DEADLINE: Final = 30.0  # seconds


def commands(loaders: Sequence[str]) -> str:
    """For GRUB before it has a shell: each line is tried, whatever became of the one before; `boot` comes back only
    if it failed."""
    tries = (f"search.file {loader} root\nchainloader {loader}\nboot\n" for loader in loaders)
    return "".join(tries) + "exit\n"


async def disk_program() -> bytes:
    """Empty, after saying so in the log, where GRUB's modules are not installed."""
    with tempfile.TemporaryDirectory(prefix="kadeploy-") as folder:
        early, program = Path(folder, "early.cfg"), Path(folder, "disk.efi")
        early.write_text(commands(LOADERS))  # noqa: ASYNC240 - a page, once
        where = ("-O", "x86_64-efi", "-p", "/", "-c", str(early), "-o", str(program))
        made = await process.run(("grub-mkimage", *where, *MODULES), deadline=DEADLINE)
        if made.ok:
            return program.read_bytes()  # noqa: ASYNC240 - from memory, once
    logger.warning(
        "UEFI machines start their disk the slow way (Debian packages grub-common and grub-efi-amd64-bin): %s",
        made.reason,
    )
    return b""
