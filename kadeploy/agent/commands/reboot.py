"""`reboot`: the minimal environment restarts the machine."""

from __future__ import annotations

import asyncio
import os

from kadeploy.agent.arguments import Args
from kadeploy.agent.job import Answer, Job


async def reboot(args: Args, job: Job) -> Answer:
    """There is nothing to stop in order, but what was written must be on the disk. It goes when acknowledged."""
    await asyncio.to_thread(os.sync)
    return Answer(output="going", then=("busybox", "reboot", "-f"))
