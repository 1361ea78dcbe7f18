"""The programs that start one partition of a machine's own disk: GRUB again, told which disk and partition.

What a partition holds to start is its boot sector under BIOS or an EFI program under UEFI, and under both a menu of
GRUB, which the GRUB that is loaded from here reads itself: other systems' modules may be those of another version.
"""

from __future__ import annotations

import asyncio
from typing import Final

from kadeploy.boot.grub import Platform, packed
from kadeploy.domain.loaders import EFI_LOADERS, GRUB_MENUS

# Besides starting: what menus use.
_MENUS: Final = "normal configfile linux test echo ls cat sleep minicmd loadenv gzio all_video serial terminal regexp"
_FILES: Final = "search search_fs_uuid search_fs_file search_label part_gpt part_msdos fat ext2 xfs btrfs ntfs iso9660"
_OF_PLATFORM: Final = {Platform.BIOS: ("biosdisk",), Platform.EFI: ()}


def commands(platform: Platform, place: int, number: int) -> str:
    """`boot` and `configfile` come back only if they failed. In the end a BIOS machine starts the disk itself; a UEFI
    machine goes back to iPXE, which does."""
    menus = tuple(f"configfile {menu}" for menu in GRUB_MENUS)
    if platform is Platform.BIOS:
        tries = ("chainloader +1", "boot", *menus, f"set root=hd{place}", "chainloader +1", "boot")
    else:
        tries = (*menus, *(line for loader in EFI_LOADERS for line in (f"chainloader {loader}", "boot")))
    return "\n".join((f"set root=hd{place},{number}", *tries, "exit", ""))


class PartitionPrograms:
    """Each is packed when it is first asked for, in a fraction of a second: one after the other, because whole clusters
    ask at once, and for the same."""

    def __init__(self) -> None:
        self._packing = asyncio.Lock()
        self._packed: dict[tuple[Platform, int, int], bytes] = {}

    async def of(self, platform: Platform, place: int, number: int) -> bytes:
        """Of the disk at `place` the partition `number`; empty where it cannot be packed."""
        key = (platform, place, number)
        async with self._packing:
            if not self._packed.get(key):
                modules = (*_MENUS.split(), *_FILES.split(), "chain", "boot", *_OF_PLATFORM[platform])
                self._packed[key] = await packed(platform, commands(*key), modules)
            return self._packed[key]
