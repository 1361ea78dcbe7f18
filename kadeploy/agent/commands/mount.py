"""`mount`, `unmount`, `sync`."""

from __future__ import annotations

import asyncio
import os

from kadeploy.agent.arguments import Args, path, text
from kadeploy.agent.job import Answer, Job
from kadeploy.agent.mounts import below, mount, unmount_all


async def mount_partition(args: Args, job: Job) -> Answer:
    await mount(
        text(args, "device"),
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
