"""`load_drivers`: kernel modules that nothing asks for by itself."""

from __future__ import annotations

from kadeploy.agent.arguments import Args, texts
from kadeploy.agent.execute import execute
from kadeploy.agent.job import Answer, Job


async def load_drivers(args: Args, job: Job) -> Answer:
    """Raises CommandFailed for one that does not exist."""
    if drivers := texts(args, "drivers"):
        await execute(("modprobe", "--all", *drivers))
    return Answer()
