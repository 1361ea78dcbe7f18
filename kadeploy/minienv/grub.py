"""Which of GRUB's modules the minimal environment takes along: a table, and what those depend on.

`grub-install` copies every module it finds onto the node's disk, so fewer of them are also less to write there.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path

from kadeploy.errors import CommandFailed

FOLDER = Path("usr/lib/grub")
PLATFORMS = ("i386-pc", "x86_64-efi")

# For both platforms.
WANTED: tuple[str, ...] = (
    *("normal", "configfile", "loadenv", "linux", "linux16", "multiboot", "multiboot2", "chain", "boot", "gzio"),
    *("search", "search_fs_uuid", "search_fs_file", "search_label", "probe", "regexp"),
    *("part_gpt", "part_msdos", "ext2", "xfs", "btrfs", "fat"),
    *("diskfilter", "lvm", "mdraid09", "mdraid1x"),
    *("serial", "terminal", "terminfo", "gfxterm", "all_video", "font"),
    *("echo", "test", "true", "minicmd", "ls", "cat", "help", "sleep", "reboot", "halt", "date", "eval", "keystatus"),
)
# For one of them.
ONLY: dict[str, tuple[str, ...]] = {
    "i386-pc": ("biosdisk", "vga", "vbe", "part_bsd"),
    "x86_64-efi": ("efi_gop", "efi_uga", "efifwsetup"),
}
# Besides modules: what grub-install and grub-mkimage read.
OTHER: tuple[str, ...] = (
    *("boot.img", "diskboot.img", "kernel.img", "lzma_decompress.img", "modinfo.sh", "grub-bios-setup"),
    *("moddep.lst", "command.lst", "crypto.lst", "fs.lst", "partmap.lst", "parttool.lst", "terminal.lst", "video.lst"),
)


def parse_moddep(text: str) -> dict[str, tuple[str, ...]]:
    """moddep.lst: `module: what it needs`, a line a module."""
    found: dict[str, tuple[str, ...]] = {}
    for line in text.splitlines():
        name, _, needs = line.partition(":")
        found[name.strip()] = tuple(needs.split())
    return found


def select(wanted: Iterable[str], depends: Mapping[str, tuple[str, ...]]) -> tuple[frozenset[str], tuple[str, ...]]:
    """The wanted modules with all they depend on, and the names that are not there."""
    chosen: set[str] = set()
    missing: set[str] = set()
    queue = list(wanted)
    while queue:
        name = queue.pop()
        if name not in depends:
            missing.add(name)
        elif name not in chosen:
            chosen.add(name)
            queue += depends[name]
    return frozenset(chosen), tuple(sorted(missing))


def copy(source: Path, root: Path) -> None:
    """Copy the chosen modules of every platform. Raises CommandFailed naming what is missing."""
    for platform in PLATFORMS:
        here, there = source / FOLDER / platform, root / FOLDER / platform
        chosen, missing = select((*WANTED, *ONLY[platform]), parse_moddep((here / "moddep.lst").read_text()))
        if missing:
            raise CommandFailed(f"GRUB for {platform} has no module {', '.join(missing)}", hint="mend minienv/grub.py")
        there.mkdir(parents=True)
        for name in (*(f"{module}.mod" for module in sorted(chosen)), *OTHER):
            if (here / name).exists():
                shutil.copy2(here / name, there / name)
