"""Swap space in use on a disk, which keeps it from being partitioned."""

from __future__ import annotations

import re
from pathlib import Path

from kadeploy.agent.execute import execute


def swaps_of(text: str, device: str) -> tuple[str, ...]:
    """The disk's partitions among the lines of /proc/swaps."""
    part = re.compile(re.escape(device) + r"p?\d*")
    return tuple(line.split()[0] for line in text.splitlines()[1:] if part.fullmatch(line.split()[0]))


async def swap_off(device: str) -> None:
    """Raises CommandFailed."""
    for path in swaps_of(_swaps(), device):
        await execute(("swapoff", path))


def _swaps() -> str:
    return Path("/proc/swaps").read_text()
