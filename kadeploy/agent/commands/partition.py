"""`partition`: see that there is this GPT, and return when the kernel shows its partitions."""

from __future__ import annotations

from kadeploy.agent.arguments import Args, mappings, number, text
from kadeploy.agent.blocks import await_disk, readable, real_path
from kadeploy.agent.commands.format import make_esp
from kadeploy.agent.execute import execute
from kadeploy.agent.facts import firmware
from kadeploy.agent.gpt import is_made, layout_from, parse_uuids, sfdisk_script
from kadeploy.agent.job import Answer, Job
from kadeploy.agent.mounts import of_disk, unmount_all
from kadeploy.agent.shown import await_partitions
from kadeploy.agent.signatures import wipe
from kadeploy.agent.swaps import swap_off
from kadeploy.domain.disk import Layout, Role, partition_path
from kadeploy.errors import CommandFailed
from kadeploy.process import run


async def partition(args: Args, job: Job) -> Answer:
    """A table that is as asked stays, with all that its partitions hold; else only a production system's partition
    keeps what is in its place. An EFI system partition comes formatted. Raises CommandFailed."""
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
    found = await run(("sfdisk", "--json", device), deadline=30)
    if found.ok and is_made(layout, found.stdout, starts_by):
        await await_partitions(device)
    else:
        script = sfdisk_script(layout, device, starts_by, parse_uuids(found.stdout) if found.ok else {})
        await _write(layout, device, script)
    esp = layout.number_of(Role.BOOT)
    if esp is not None and starts_by == "uefi":
        await make_esp(partition_path(device, esp))
    return Answer(output=", ".join(partition_path(device, part.number) for part in layout.partitions))


async def _write(layout: Layout, device: str, script: str) -> None:
    unwiped = ("--wipe", "always", "--wipe-partitions", "never")
    await execute(("sfdisk", "--quiet", *unwiped, device), stdin=script.encode())
    await await_partitions(device)
    await wipe(*(partition_path(device, part.number) for part in layout.partitions if part.role is not Role.PROD))
