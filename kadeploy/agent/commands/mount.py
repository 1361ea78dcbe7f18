"""`mount`, `unmount`, `sync`."""

from __future__ import annotations

import asyncio
import os

from kadeploy.agent.arguments import Args, number, path, text
from kadeploy.agent.blocks import await_disk
from kadeploy.agent.job import Answer, Job
from kadeploy.agent.mounts import below, mount, unmount_all


async def mount_partition(args: Args, job: Job) -> Answer:
    device = text(args, "device")
    await await_disk(device, deadline=number(args, "wait", 15))
    await mount(
        device,
        path(args, "path"),
        filesystem=text(args, "filesystem", ""),
        options=text(args, "options", ""),
    )
    return Answer()


async def unmount(args: Args, job: Job) -> Answer:
    """Also everything that is mounted below."""
    folder = path(args, "path")
    await unmount_all(lambda mounts: below(mounts, folder))
    return Answer()


async def sync(args: Args, job: Job) -> Answer:
    await asyncio.to_thread(os.sync)
    return Answer()
