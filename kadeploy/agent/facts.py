"""What kind of machine this is, told to the server at every hello."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

from kadeploy.agent.blocks import disks


def firmware(root: Path = Path("/")) -> str:
    """`uefi` or `bios`: which of the two started this boot."""
    return "uefi" if (root / "sys/firmware/efi").is_dir() else "bios"


def gather(root: Path = Path("/")) -> dict[str, object]:
    """Firmware, disks and memory (bytes), MAC addresses, kernel, seconds since the boot."""
    return {
        "firmware": firmware(root),
        "disks": [asdict(disk) for disk in disks(root / "sys")],
        "memory": _memory(root),
        "macs": _macs(root),
        "kernel": os.uname().release,
        "uptime": float((root / "proc/uptime").read_text().split()[0]),
    }


def _memory(root: Path) -> int:
    for line in (root / "proc/meminfo").read_text().splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return 0


def _macs(root: Path) -> list[str]:
    """Of real cards only: those with a device behind them."""
    cards = (root / "sys/class/net").glob("*")
    return sorted((card / "address").read_text().strip() for card in cards if (card / "device").exists())
