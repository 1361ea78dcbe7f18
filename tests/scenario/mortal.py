"""A server on DBOS and SQLite in a process of its own, which SIGKILL ends behind a chosen visit that it recorded.

Nothing of it is left but what is on the disk: no handler runs, no cancellation, nothing that Python does at an end.
Its nodes live on (`frozen.py`), and the next process finds them as they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbos import DBOS

from kadeploy.domain.event import NodeFailed, NodesDone
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation, new_operation_id
from kadeploy.domain.state import OperationKind
from kadeploy.engine.durable import DurableEngine
from kadeploy.engine.perform import Performer
from kadeploy.engine.run import Run
from kadeploy.engine.runs import Runs
from kadeploy.operations.events import EventLog
from kadeploy.plans.build import build_deploy
from kadeploy.plans.codec import decode, encode
from kadeploy.ports.record import Conclusion
from kadeploy.store.control import SqlControl
from kadeploy.store.database import Database
from kadeploy.store.journal import SqlJournal
from kadeploy.store.operations import SqlOperations
from kadeploy.store.record import SqlRecord
from kadeploy.testing.clock import JumpingLoop, LoopClock, run_jumping
from kadeploy.testing.cluster import SimulatedCluster
from kadeploy.testing.nodes import Fault
from kadeploy.testing.sites import request_for, site_of
from kadeploy.testing.still import StillDatabase
from tests.integration.migrated import migrated
from tests.scenario.frozen import freeze, thaw

FAULTS = {"node-2": Fault.FIRST_BOOT_FAILS, "node-3": Fault.KEXEC_FAILS}
NODES = 3
SITE = site_of(NODES)
REQUEST = request_for(NodeSet(SITE.nodes))
# Encoded once, in the process that all others are forked from: what it takes to learn how is half of a short life.
PLANS = {name: encode(build_deploy(REQUEST, SITE, name)) for name in SITE.by_cluster(REQUEST.nodes)}
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.scenario.mortal"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Lived:
    """What a server that came to its end tells: how many visits it recorded, the operation, the journal's ends of
    nodes, what each node ran and how often it booted, operations still running, and slots of the window in use."""

    visits: int
    operation: Operation
    ends: tuple[str, ...]
    ran: dict[str, list[str]]
    boots: dict[str, int]
    running: tuple[str, ...]
    slots: int


class FusedRecord(SqlRecord):
    """Counts the visits that it records; kills this process behind the one with the number `last`."""

    def __init__(self, database: Database, last: int, at_death: Callable[[], None]) -> None:
        super().__init__(database)
        self.visits = 0
        self._last = last
        self._at_death = at_death

    async def conclude(self, conclusion: Conclusion) -> NodeSet:
        gone = await super().conclude(conclusion)
        self.visits += 1
        if self.visits == self._last:
            self._at_death()
            os.kill(os.getpid(), signal.SIGKILL)
        return gone


class CountedRuns(Runs):
    """Knows which workflows have begun, or gone on."""

    def __init__(self, performer: Performer) -> None:
        super().__init__(performer=performer, decode=decode)
        self.begun: set[str | None] = set()
        self.news = asyncio.Event()

    async def of(self, operation_id: str) -> Run:
        self.begun.add(DBOS.workflow_id)
        self.news.set()
        return await super().of(operation_id)

    async def until_all_go_on(self, unfinished: frozenset[str]) -> None:
        """DBOS gives unfinished workflows back one by one, after a while; time stands still meanwhile, since whoever
        waits for them has no timer."""
        loop = asyncio.get_running_loop()
        assert isinstance(loop, JumpingLoop)
        with loop.outside():
            while not unfinished <= self.begun:
                self.news.clear()
                await self.news.wait()


def _unfinished(path: Path) -> frozenset[str]:
    """Walks of node sets that a killed server has left."""
    if not path.exists():
        return frozenset()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT workflow_uuid FROM workflow_status WHERE status IN ('PENDING', 'ENQUEUED')")
        return frozenset(row[0] for row in rows if "/" in row[0])


def life(directory: Path, *, last: int = 0) -> Lived | None:
    """One server's whole life on this directory; None if it was killed behind the visit number `last`."""
    migrated(directory / "kadeploy.db")
    receiving, sending = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_live, args=(directory, last, sending))
    process.start()
    sending.close()
    try:
        told: Lived | None = receiving.recv() if receiving.poll(60) else None
    except EOFError:
        told = None
    finally:
        receiving.close()
        process.join(60)
        if process.is_alive():
            process.kill()
            process.join()
    assert process.exitcode == (0 if told else -signal.SIGKILL), process.exitcode
    return told


def _live(directory: Path, last: int, told: Any) -> None:
    told.send(run_jumping(_serve(directory, last)))
    told.close()


async def _serve(directory: Path, last: int) -> Lived:
    database = StillDatabase.open(f"sqlite:///{directory / 'kadeploy.db'}")
    clock = LoopClock()
    cluster = SimulatedCluster(SITE, clock, seed=1, faults=FAULTS)
    nodes = directory / "nodes"
    is_first = not nodes.exists()
    if not is_first:
        thaw(cluster, nodes)
    operations, events = SqlOperations(database), EventLog(SqlJournal(database))
    record = FusedRecord(database, last, lambda: freeze(cluster, nodes))
    performer = Performer(
        services=cluster.services,
        operations=operations,
        record=record,
        control=SqlControl(database),
        events=events,
    )
    runs, workflows = CountedRuns(performer), directory / "workflows.db"
    unfinished = _unfinished(workflows)
    engine = DurableEngine(runs, url=f"sqlite:///{workflows}")
    await engine.launch()
    try:
        await runs.until_all_go_on(unfinished)
        if is_first:
            await operations.create(_operation(clock))
        (operation,) = await operations.list(OperationKind.DEPLOYMENT)
        await engine.start(operation.id)
        ends: list[str] = []
        async for _, event in events.follow(operation.id):
            ends += _ends_of(event)
        return Lived(
            visits=record.visits,
            operation=await operations.get(operation.id),
            ends=tuple(sorted(ends)),
            ran={name: list(node.ran) for name, node in cluster.nodes.items()},
            boots={name: node.boots for name, node in cluster.nodes.items()},
            running=tuple(await operations.running()),
            slots=cluster.window.used,
        )
    finally:
        await engine.close()
        database.close()


def _operation(clock: LoopClock) -> Operation:
    return Operation(
        id=new_operation_id(OperationKind.DEPLOYMENT),
        kind=OperationKind.DEPLOYMENT,
        user="alice",
        nodes=REQUEST.nodes,
        created=clock.now(),
        plans=PLANS,
    )


def _ends_of(event: object) -> list[str]:
    match event:
        case NodesDone(nodes=nodes):
            return list(NodeSet.parse(nodes))
        case NodeFailed(node=node):
            return [node]
    return []
