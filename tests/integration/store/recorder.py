"""A process that records without end and says what was acknowledged, to be killed: `python -m ... URL`."""

from __future__ import annotations

import asyncio
import sys

from kadeploy.domain.event import Decided
from kadeploy.domain.operation import Outcome
from kadeploy.domain.state import Progress
from kadeploy.store.database import Database
from kadeploy.store.journal import SqlJournal
from tests.integration.store.examples import Store, an_operation


async def main(url: str) -> None:
    database = Database.open(url)
    async with asyncio.TaskGroup() as group:
        for worker in range(4):
            group.create_task(_record(Store(database), SqlJournal(database), worker))


async def _record(operations: Store, journal: SqlJournal, worker: int) -> None:
    turn = 0
    while True:
        turn += 1
        identity = f"D-{worker}-{turn}"
        await operations.create(an_operation(identity, f"w{worker}-t{turn}-n[1-100]"))
        _say(f"created {identity}")
        event = Decided(operation=identity, at=1.0, cluster="alpha", set="0", what="go on")
        await journal.append([event] * 50)
        _say(f"journalled {identity}")
        settled = Outcome(progress=Progress.OK)
        await operations.settle(identity, {f"w{worker}-t{turn}-n{node}": settled for node in range(1, 101)})
        _say(f"settled {identity}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


asyncio.run(main(sys.argv[1]))
