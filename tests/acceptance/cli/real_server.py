"""The real API, engine and store, over a simulated cluster of quick nodes, in a thread."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import uvicorn

from kadeploy.api.app import create_app
from kadeploy.api.auth.chain import chain_of
from kadeploy.api.console_ports import ConsolePorts, PortPolicy
from kadeploy.api.server import Settings
from kadeploy.config.authentication import Acl, Authentication, Roles
from kadeploy.domain.image import LocalFile
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.drivers.hooks import CommandHooks
from kadeploy.engine.perform import Performer
from kadeploy.engine.runs import Runs
from kadeploy.operations.assemble import assemble
from kadeploy.operations.events import EventLog
from kadeploy.operations.fetching import Fetching
from kadeploy.operations.foundation import Policy, Ports
from kadeploy.plans.codec import decode
from kadeploy.ports.broadcast import Shipment
from kadeploy.ports.files import FileOrder, ReportBytes, nobody
from kadeploy.ports.remote import Terms
from kadeploy.store.answers import SqlAnswers
from kadeploy.store.api_tokens import SqlApiTokens
from kadeploy.store.audit import SqlAudit
from kadeploy.store.control import SqlControl
from kadeploy.store.database import Database
from kadeploy.store.due_hooks import SqlDueHooks
from kadeploy.store.environments import SqlEnvironments
from kadeploy.store.journal import SqlJournal
from kadeploy.store.nodes import SqlNodes
from kadeploy.store.operations import SqlOperations
from kadeploy.store.record import SqlRecord
from kadeploy.store.rights import SqlRights
from kadeploy.store.statistics import SqlStatistics
from kadeploy.testing.cluster import SimulatedCluster
from kadeploy.testing.nodes import Fault, SimulatedNode
from kadeploy.testing.recorder import MemoryEngine
from kadeploy.testing.sites import site_of
from kadeploy.testing.timing import Even, Timing
from tests.integration.migrated import migrated

QUICK = Timing(
    boot_minimal=Even(0.1, 0.2),
    boot_installed=Even(0.1, 0.2),
    kexec=Even(0.1, 0.2),
    command=Even(0.0, 0.02),
    power=Even(0.0, 0.02),
)
SIZE = 40_000_000  # bytes of every image
ADMINISTRATOR = "root"


class WallClock:
    """Implements ports.clock.Clock."""

    def now(self) -> float:
        return time.time()


class AnyFile:
    """Implements ports.files.Files: every address is a file of SIZE bytes."""

    async def pin(self, order: FileOrder, *, owner: str, report: ReportBytes = nobody) -> LocalFile:
        report(SIZE, SIZE)
        return LocalFile(path=order.url, size=SIZE, sha256="0" * 64)

    async def judge(self, order: FileOrder, *, owner: str) -> int:
        return SIZE

    async def release(self, owner: str) -> None:
        pass


class SlowBroadcast:
    """Implements ports.broadcast.Broadcast in ten parts; the second half waits for `go`."""

    def __init__(self, go: threading.Event, nodes: Mapping[str, SimulatedNode]) -> None:
        self._go = go
        self._nodes = nodes

    async def send(self, nodes: NodeSet, shipment: Shipment, terms: Terms) -> Result:
        size = shipment.image.size
        for part in range(1, 11):
            await asyncio.sleep(0.05)
            for node in nodes:
                terms.report(node, size * part // 10, size)
            if part == 5:
                await asyncio.to_thread(self._go.wait, 30)
        for node in nodes:
            self._nodes[node].disk.installed = True
        return Result(ok=nodes)


@dataclass(slots=True)
class Real:
    """`go` lets a broadcast pass its middle."""

    url: str = ""
    go: threading.Event = field(default_factory=threading.Event)


@contextmanager
def real_server(directory: Path, nodes: int, faults: Mapping[str, Fault] | None = None) -> Iterator[Real]:
    """Serve until the block ends."""
    real = Real()
    ready = threading.Event()
    stop = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(real, directory, nodes, faults or {}, ready, stop)))
    thread.start()
    try:
        assert ready.wait(20), "the server did not start"
        yield real
    finally:
        real.go.set()
        stop.set()
        thread.join()


async def _serve(
    real: Real, directory: Path, nodes: int, faults: Mapping[str, Fault], ready: threading.Event, stop: threading.Event
) -> None:
    database = Database.open(migrated(directory / "kadeploy.db"))
    site, clock, journal = site_of(nodes), WallClock(), SqlJournal(database)
    cluster = SimulatedCluster(site, clock, seed=1, faults=faults, timing=QUICK)
    services = replace(cluster.services, broadcast=SlowBroadcast(real.go, cluster.nodes), fetcher=Fetching(AnyFile()))
    operations, events = SqlOperations(database), EventLog(journal)
    performer = Performer(
        services=services,
        operations=operations,
        record=SqlRecord(database),
        control=SqlControl(database),
        events=events,
    )
    engine = MemoryEngine(Runs(performer=performer, decode=decode))
    ports = Ports(
        site=site,
        operations=operations,
        journal=journal,
        nodes=SqlNodes(database),
        environments=SqlEnvironments(database),
        rights=SqlRights(database),
        api_tokens=SqlApiTokens(database),
        answers=SqlAnswers(database),
        audit=SqlAudit(database),
        statistics=SqlStatistics(database),
        files=AnyFile(),
        engine=engine,
        events=events,
        hooks=CommandHooks(),
        due_hooks=SqlDueHooks(database),
        clock=clock,
    )
    administrators = frozenset((ADMINISTRATOR,))
    use_cases = assemble(ports, Policy(administrators=administrators))
    believed = Authentication(acl=Acl(whitelist=("127.0.0.1",)))
    chain = chain_of(believed, Roles(), use_cases.tokens, administrators=administrators)
    app = create_app(use_cases, chain, Settings(), ConsolePorts(use_cases.consoles, PortPolicy()))
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    listening = socket.create_server(("127.0.0.1", 0))  # answers from now on, whoever serves it when
    real.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    letting_in = asyncio.create_task(use_cases.waiting_room.serve())
    for operation_id in await operations.running():
        await engine.start(operation_id)
    ready.set()
    await asyncio.to_thread(stop.wait)
    server.should_exit = True
    await serving
    letting_in.cancel()
    await engine.kill()
    database.close()
