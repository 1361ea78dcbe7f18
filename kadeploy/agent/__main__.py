"""The agent: started by the minimal environment's init, and again by it whenever it ends."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

from kadeploy.agent.commands import COMMANDS
from kadeploy.agent.connection import Connection, Outlet
from kadeploy.agent.identity import boot_id
from kadeploy.agent.orphans import kill_orphans, mark_children
from kadeploy.agent.results import Results
from kadeploy.agent.settings import Settings, read_settings
from kadeploy.agent.worker import Worker
from kadeploy.errors import Faults

_log = logging.getLogger(__name__)


async def live(settings: Settings) -> None:
    """For ever; ends only by a fault, and then with all of it, so that init starts a whole agent again."""
    boot = boot_id(settings.state)
    if killed := kill_orphans(boot):
        _log.warning("ended %d processes of an earlier agent", killed)
    mark_children(boot)
    outlet = Outlet()
    results = Results(settings.state / "results")
    worker = Worker(COMMANDS, results, outlet.tell, node=settings.node, server=settings.server, hang_up=outlet.hang_up)
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.work(), name="worker")
        group.create_task(Connection(settings, boot, worker, outlet).keep(), name="connection")


class ConsoleFormatter(logging.Formatter):
    """Lines as the rest of the minimal environment writes them: seconds since the boot first."""

    def format(self, record: logging.LogRecord) -> str:
        with open("/proc/uptime") as file:
            return f"[{file.read().split()[0]}] kadeploy: agent: {super().format(record)}"


def main() -> int:
    console = logging.StreamHandler()
    console.setFormatter(ConsoleFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[console])
    _log.info("starting")
    try:
        settings = read_settings(sys.argv[1:], os.environ)
    except (Faults, OSError) as error:
        print(f"agent: {error}", file=sys.stderr)  # noqa: T201
        return 2
    try:
        asyncio.run(live(settings))
    except KeyboardInterrupt:
        return 130
    return 1


if __name__ == "__main__":
    sys.exit(main())
