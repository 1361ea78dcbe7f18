"""Block devices as the kernel shows them in /sys."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kadeploy.errors import CommandFailed

SYS = Path("/sys")
_SECTOR = 512  # /sys counts in these whatever the disk's own sectors are
_NO_DISKS = ("loop", "ram", "zram", "sr", "fd", "dm-", "md", "nbd", "mtdblock")
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """`size` in bytes."""

    path: str
    size: int

    def __str__(self) -> str:
        return f"{self.path} ({readable(self.size)})"


def readable(size: float) -> str:
    """Bytes for people: 8.0 GiB."""
    unit = 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size /= 1024
        unit += 1
    return f"{size:.1f} {_UNITS[unit]}" if unit else f"{size:.0f} B"


def disks(sys: Path = SYS) -> tuple[Disk, ...]:
    """Every disk that could be installed, by name."""
    found = []
    for entry in sorted((sys / "block").glob("*")):
        size = size_of(entry.name, sys)
        if size and not entry.name.startswith(_NO_DISKS):
            found.append(Disk(path=f"/dev/{entry.name.replace('!', '/')}", size=size))
    return tuple(found)


def real_path(device: str) -> str:
    """The kernel's own name of a device that was named by a link, such as those of /dev/disk."""
    return os.path.realpath(device)


def size_of(device: str, sys: Path = SYS) -> int:
    """Bytes of a block device given by path or kernel name; 0 when there is none."""
    try:
        return (
            int((sys / "class/block" / device.removeprefix("/dev/").replace("/", "!") / "size").read_text()) * _SECTOR
        )
    except (OSError, ValueError):
        return 0


def partitions(device: str, sys: Path = SYS) -> dict[str, tuple[int, int]]:
    """The partitions that the kernel shows of a disk: path, start and size in bytes."""
    found = {}
    for entry in (sys / "class/block" / device.removeprefix("/dev/")).glob("*/partition"):
        start, size = (int((entry.parent / name).read_text()) * _SECTOR for name in ("start", "size"))
        found[f"/dev/{entry.parent.name}"] = (start, size)
    return found


def are_in_dev(devices: Iterable[str]) -> bool:
    """There is a node for each."""
    return all(map(os.path.exists, devices))


async def await_disk(device: str, *, deadline: float) -> int:
    """The size in bytes of a disk; drivers are loaded in the background, so one may come late.

    Raises CommandFailed naming the disks there are when it has not come after `deadline` seconds.
    """
    name = real_path(device)
    end = time.monotonic() + deadline
    while not (size := size_of(name)):
        if time.monotonic() > end:
            there = ", ".join(map(str, disks())) or "no disk at all"
            raise CommandFailed(f"there is no disk {device} on this node, which has {there}")
        await asyncio.sleep(0.1)
    return size
