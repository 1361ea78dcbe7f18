"""`partition`: write a GPT, and return when the kernel shows its partitions."""

from __future__ import annotations

import asyncio
import time

from kadeploy.agent.arguments import Args, mappings, number, text
from kadeploy.agent.blocks import are_in_dev, await_disk, partitions, readable, real_path
from kadeploy.agent.commands.format import make_filesystem
from kadeploy.agent.execute import execute
from kadeploy.agent.facts import firmware
from kadeploy.agent.gpt import layout_from, parse_table, sfdisk_script
from kadeploy.agent.job import Answer, Job
from kadeploy.agent.mounts import of_disk, unmount_all
from kadeploy.agent.swaps import swap_off
from kadeploy.domain.disk import Role, partition_path
from kadeploy.errors import CommandFailed
from kadeploy.process import run

_PARTITIONS_APPEAR = 20.0  # seconds


async def partition(args: Args, job: Job) -> Answer:
    """Whatever the disk held is gone. An EFI system partition comes formatted. Raises CommandFailed."""
    asked = text(args, "device")
    layout = layout_from(mappings(args, "layout"))
    starts_by = text(args, "firmware", firmware())
    size = await await_disk(asked, deadline=number(args, "wait", 15))
    if size < layout.least_size:
        raise CommandFailed(
            f"the disk {asked} is too small: it has {readable(size)}, the layout needs {readable(layout.least_size)}"
        )
    device = real_path(asked)
    await unmount_all(lambda mounts: of_disk(mounts, device))
    await swap_off(device)
    script = sfdisk_script(layout, device, starts_by)
    wipe = ("--wipe", "always", "--wipe-partitions", "always")
    await execute(("sfdisk", "--quiet", *wipe, device), stdin=script.encode())
    await _await_partitions(device)
    esp = layout.number_of(Role.BOOT)
    if esp is not None and starts_by == "uefi":
        await make_filesystem(partition_path(device, esp), "vfat", label="EFI")
    return Answer(output=", ".join(partition_path(device, part.number) for part in layout.partitions))


async def _await_partitions(device: str) -> None:
    """Until the kernel shows what the table says: the same partitions, where they are. One that did not notice by
    itself is told, once."""
    wanted = parse_table(await execute(("sfdisk", "--json", device)))
    started = time.monotonic()
    told = False
    while (shown := partitions(device)) != wanted or not are_in_dev(wanted):
        waited = time.monotonic() - started
        if waited > _PARTITIONS_APPEAR:
            there = ", ".join(sorted(shown)) or "none"
            raise CommandFailed(f"the kernel does not show the new partitions of {device} but {there}")
        if waited > 0.3 and not told:
            await run(("partx", "--update", "--nr", "1:128", device), deadline=30)
            told = True
        await asyncio.sleep(0.05)
