"""The partitions that the kernel shows of a disk, once they are those of its table."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, Set
from typing import Final

from kadeploy.agent.blocks import are_in_dev, partitions
from kadeploy.agent.execute import execute
from kadeploy.agent.gpt import parse_table
from kadeploy.errors import CommandFailed
from kadeploy.process import run

_APPEAR: Final = 20.0  # seconds


async def await_partitions(device: str) -> Mapping[str, tuple[int, int]]:
    """Until the kernel shows what the table says: the same partitions, where they are (paths; start and size in bytes).
    One that did not notice by itself is told, once. Raises CommandFailed."""
    wanted = parse_table(await execute(("sfdisk", "--json", device)))
    started = time.monotonic()
    told = False
    while (shown := partitions(device)) != wanted or not are_in_dev(wanted):
        waited = time.monotonic() - started
        if waited > _APPEAR:
            there = ", ".join(sorted(shown)) or "none"
            raise CommandFailed(f"the kernel does not show the new partitions of {device} but {there}")
        if waited > 0.3 and not told:
            await _tell(device, gone=shown.keys() - wanted.keys())
            told = True
        await asyncio.sleep(0.05)
    return wanted


async def _tell(device: str, *, gone: Set[str]) -> None:
    """What is gone first: it may be where something is now, and `partx --update` leaves it."""
    for path in gone:
        number = re.search(r"\d+$", path)
        assert number is not None
        await run(("partx", "--delete", "--nr", number.group(), device), deadline=30)
    await run(("partx", "--update", "--nr", "1:128", device), deadline=30)
