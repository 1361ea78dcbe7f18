"""A whole server on DBOS, SQLite and a real cache in a directory, over simulated nodes that outlive it (`frozen.py`).

What a process that is killed leaves there is what the next one goes on with.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from dbos import DBOS
from sqlalchemy import select

from kadeploy.domain.node import Site
from kadeploy.drivers.window import SlotWindow
from kadeploy.engine.durable import DurableEngine
from kadeploy.engine.perform import Performer
from kadeploy.engine.run import Run
from kadeploy.engine.runs import Runs
from kadeploy.operations.events import EventLog
from kadeploy.operations.pins import PinRelease
from kadeploy.plans.codec import decode
from kadeploy.store.control import SqlControl
from kadeploy.store.database import Database
from kadeploy.store.journal import SqlJournal
from kadeploy.store.operations import SqlOperations
from kadeploy.store.record import SqlRecord
from kadeploy.store.tables import LOCKS
from kadeploy.testing.clock import JumpingLoop, LoopClock
from kadeploy.testing.cluster import USUAL, SimulatedCluster
from kadeploy.testing.nodes import Fault
from kadeploy.testing.still import StillDatabase
from kadeploy.testing.timing import Timing
from tests.integration.migrated import migrated
from tests.scenario.frozen import freeze, thaw
from tests.scenario.larder import Larder


@dataclass(slots=True, kw_only=True)
class DurableWorld:
    """`is_new`: no server has been here before. `freeze` keeps the nodes as they are, for whoever is about to die."""

    is_new: bool
    site: Site
    clock: LoopClock
    cluster: SimulatedCluster
    events: EventLog
    operations: SqlOperations
    engine: DurableEngine
    larder: Larder | None
    database: Database
    freeze: Callable[[], None]

    async def locked(self) -> list[str]:
        """Nodes that an operation has."""
        return await self.database.transact(lambda connection: list(connection.scalars(select(LOCKS.c.node))))


@contextlib.asynccontextmanager
async def durable_world(
    directory: Path,
    site: Site,
    *,
    seed: int = 1,
    faults: Mapping[str, Fault] | None = None,
    window: SlotWindow | None = None,
    timing: Timing = USUAL,
    larder: Larder | None = None,
    record_of: Callable[[Database, Callable[[], None]], SqlRecord] | None = None,
) -> AsyncIterator[DurableWorld]:
    """Unfinished operations go on. `record_of`: the caller's own record, of the database and what freezes nodes."""
    database = StillDatabase.open(migrated(directory / "kadeploy.db"))
    clock = LoopClock()
    cluster = SimulatedCluster(site, clock, seed=seed, faults=faults, window=window, timing=timing)
    is_new = not _nodes(directory).exists()
    if not is_new:
        thaw(cluster, _nodes(directory))
    operations, events = SqlOperations(database), EventLog(SqlJournal(database))
    if larder is not None:
        cluster.services = replace(cluster.services, fetcher=larder.fetching)
        events.listen(PinRelease(larder))
        await larder.reopen([*await operations.running(), *await operations.queued()])
    freezes = partial(freeze, cluster, _nodes(directory))
    performer = Performer(
        services=cluster.services,
        operations=operations,
        record=SqlRecord(database) if record_of is None else record_of(database, freezes),
        control=SqlControl(database),
        events=events,
    )
    runs, workflows = _CountedRuns(performer=performer, decode=decode), directory / "workflows.db"
    unfinished = _unfinished(workflows)
    world = DurableWorld(
        is_new=is_new,
        site=site,
        clock=clock,
        cluster=cluster,
        events=events,
        operations=operations,
        engine=DurableEngine(runs, url=f"sqlite:///{workflows}"),
        larder=larder,
        database=database,
        freeze=freezes,
    )
    try:
        await world.engine.launch()
        await runs.until_all_go_on(unfinished)
        yield world
    finally:
        await world.engine.close()
        database.close()


@dataclass(slots=True, kw_only=True)
class _CountedRuns(Runs):
    """Knows which workflows have begun, or gone on."""

    begun: set[str | None] = field(default_factory=set)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def of(self, operation_id: str) -> Run:
        self.begun.add(DBOS.workflow_id)
        self.news.set()
        return await Runs.of(self, operation_id)

    async def until_all_go_on(self, unfinished: frozenset[str]) -> None:
        """DBOS gives unfinished workflows back one by one, after a while; time stands still meanwhile, since whoever
        waits for them has no timer."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, JumpingLoop)
        with loop.outside():
            while not unfinished <= self.begun:
                self.news.clear()
                await self.news.wait()


def _nodes(directory: Path) -> Path:
    return directory / "nodes"


def _unfinished(path: Path) -> frozenset[str]:
    """Walks of node sets that a killed server has left."""
    if not path.exists():
        return frozenset()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT workflow_uuid FROM workflow_status WHERE status IN ('PENDING', 'ENQUEUED')")
        return frozenset(row[0] for row in rows if "/" in row[0])
