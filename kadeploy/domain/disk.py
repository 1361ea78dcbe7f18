"""Disk layouts: the partitions asked for, and the names the kernel gives them. Standard library only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MIB: Final = 1024 * 1024
_UNITS: Final = {"": 1, "K": 1024, "M": MIB, "G": 1024 * MIB, "T": 1024 * 1024 * MIB}
_LETTER: Final = re.compile(r"/dev/(?:[shv]|xv)d([a-z])")
_NVME: Final = re.compile(r"/dev/nvme(\d+)n\d+")
_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\Z", re.IGNORECASE)


class Role(StrEnum):
    """What a partition is for. `boot` becomes an EFI system partition or a BIOS boot partition, by firmware."""

    BOOT = "boot"
    SWAP = "swap"
    PROD = "prod"
    DEPLOY = "deploy"
    TMP = "tmp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """One partition: `size` in bytes, 0 for the rest of the disk; `filesystem` empty where the role says it."""

    number: int
    role: Role
    size: int = 0
    filesystem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A GPT disk's partitions, in their order on the disk."""

    partitions: tuple[Partition, ...]

    def number_of(self, role: Role) -> int | None:
        """The number of the first partition with that role, or None."""
        return next((part.number for part in self.partitions if part.role is role), None)

    def partition(self, number: int) -> Partition:
        return next(part for part in self.partitions if part.number == number)

    @property
    def least_size(self) -> int:
        """Bytes a disk must have: all fixed sizes, 16 MiB for an open-ended one, 2 MiB for the tables."""
        return sum(part.size or 16 * MIB for part in self.partitions) + 2 * MIB


def parse_size(text: str | int) -> int:
    """`4G`, `512M`, `100 MiB` or a number of bytes, in bytes; raises ValueError."""
    found = _SIZE.match(str(text).strip())
    if found is None:
        raise ValueError(f"{text!r} is not a size such as 512M or 4G")
    return int(float(found.group(1)) * _UNITS[found.group(2).upper()])


def disk_place(block_device: str) -> int:
    """Which of a machine's disks that is, counted from 0, as firmware and kernel mostly agree: /dev/sda is 0, /dev/vdb
    and /dev/nvme1n1 are 1. 0 for a name that does not say it."""
    if found := _LETTER.fullmatch(block_device):
        return ord(found.group(1)) - ord("a")
    found = _NVME.fullmatch(block_device)
    return int(found.group(1)) if found else 0


def partition_path(block_device: str, number: int) -> str:
    """The kernel's name of a partition: /dev/sda2, /dev/nvme0n1p2 (a p after a final digit)."""
    return f"{block_device}p{number}" if block_device[-1].isdigit() else f"{block_device}{number}"
