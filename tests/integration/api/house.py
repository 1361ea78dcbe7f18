"""A server of four nodes for tests: the real store on SQLite, real files, the real API, and a scripted engine."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette

from kadeploy.api.app import create_app
from kadeploy.api.auth.chain import chain_of
from kadeploy.api.console_ports import ConsolePorts, PortPolicy
from kadeploy.api.server import Settings
from kadeploy.config.authentication import Acl, Authentication, Roles
from kadeploy.domain.awaited import filled
from kadeploy.domain.disk import MIB, Layout, Partition, Role
from kadeploy.domain.node import Cluster, Node, Site
from kadeploy.domain.rights import Right
from kadeploy.domain.state import OperationKind
from kadeploy.drivers.hooks import CommandHooks
from kadeploy.files.cache import FileCache
from kadeploy.files.permitted import Permitted
from kadeploy.files.reach import Reach
from kadeploy.files.web import FetchLimits, Web
from kadeploy.operations.assemble import UseCases, assemble
from kadeploy.operations.events import EventLog
from kadeploy.operations.fetching import Fetching
from kadeploy.operations.foundation import Policy, Ports
from kadeploy.plans.codec import decode, encode
from kadeploy.ports.files import UploadRules
from kadeploy.steps.fetch_files import FetchFiles
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
from kadeploy.testing.console import SerialLine, SimulatedConsoles
from tests.integration.api.engine import ScriptedEngine
from tests.integration.migrated import migrated

NAMES = tuple(f"node-{number}.site1.example.org" for number in range(1, 5))
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ6u3kqX9G1Yy0mE3pQHn8u1r0bq3c8b9vYc1xUoJ5yW alice@host\n"
EVERYBODY = Roles()
TRUSTED = Authentication(acl=Acl(whitelist=("127.0.0.1",)))
ADMINISTRATORS = frozenset({"root", "admin"})
HERE = Web(limits=FetchLimits(pause=0.0), reach=Reach(permitted=(ip_network("127.0.0.0/8"),)), proxy="")
RULES = UploadRules(quota=20 * MIB, expires=3600.0, for_environments=True)
Json = dict[str, Any]


class SystemClock:
    def now(self) -> float:
        return time.time()


def a_site() -> Site:
    layout = Layout(
        partitions=(
            Partition(number=1, role=Role.BOOT, size=64 * MIB),
            Partition(number=2, role=Role.SWAP, size=256 * MIB),
            Partition(number=3, role=Role.DEPLOY, size=3072 * MIB),
            Partition(number=4, role=Role.TMP, filesystem="ext4"),
        )
    )
    nodes = {
        name: Node(name=name, cluster="alpha", address=f"10.0.0.{index}", block_device="/dev/sda")
        for index, name in enumerate(NAMES, 1)
    }
    return Site(nodes=nodes, clusters={"alpha": Cluster(name="alpha", layout=layout)})


class House:
    """`directory/images` is where the server's files may be."""

    def __init__(
        self,
        directory: Path,
        database: Database,
        files: FileCache,
        authentication: Authentication,
        administrators: frozenset[str],
        roles: Roles,
    ) -> None:
        self.images = directory / "images"
        self.site = a_site()
        self.clock = SystemClock()
        self.operations = SqlOperations(database)
        self.journal = SqlJournal(database)
        self.nodes = SqlNodes(database)
        self.environments = SqlEnvironments(database)
        self.rights = SqlRights(database)
        self.api_tokens = SqlApiTokens(database)
        self.audit = SqlAudit(database)
        self.answers = SqlAnswers(database)
        self.serials = {name: SerialLine() for name in NAMES[:3]}  # the last has no console
        self.files = files
        self.database = database
        self.commands: dict[OperationKind, Sequence[str]] = {}
        self.hooks = CommandHooks(commands=self.commands)
        self.events = EventLog(self.journal)
        self.control = SqlControl(database)
        self.engine = ScriptedEngine(
            self.operations, SqlRecord(database), self.control, self.events, self.site, self.clock
        )
        self.use_cases = self._use_cases(administrators)
        self.console_ports = ConsolePorts(self.use_cases.consoles, PortPolicy())
        chain = chain_of(authentication, roles, self.use_cases.tokens, administrators=administrators)
        self.app: Starlette = create_app(self.use_cases, chain, Settings(version="3.3.0"), self.console_ports)

    def _use_cases(self, administrators: frozenset[str]) -> UseCases:
        ports = Ports(
            site=self.site,
            operations=self.operations,
            journal=self.journal,
            nodes=self.nodes,
            environments=self.environments,
            rights=self.rights,
            api_tokens=self.api_tokens,
            answers=self.answers,
            audit=self.audit,
            statistics=SqlStatistics(self.database),
            files=self.files,
            uploads=self.files.uploads,
            contents=self.files,
            texts=self.files,
            engine=self.engine,
            events=self.events,
            hooks=self.hooks,
            due_hooks=SqlDueHooks(self.database),
            clock=self.clock,
            consoles=SimulatedConsoles(self.serials),
        )
        return assemble(ports, Policy(administrators=administrators))

    def client(self, user: str = "alice", address: str = "127.0.0.1", **headers: str) -> httpx2.AsyncClient:
        transport = httpx2.ASGITransport(app=self.app, client=(address, 40000))
        shown = {"X-Kadeploy-User": user} if user else {}
        return httpx2.AsyncClient(transport=transport, base_url="http://kadeploy", headers={**shown, **headers})

    async def grant(self, user: str = "alice", *nodes: str, partition: str = "*") -> None:
        rights = [Right(user=user, node=node, partition=partition) for node in nodes or ("*",)]
        await self.rights.grant(rights, overwrite=True, administrators=frozenset())

    async def fetched(self, wid: str) -> Json:
        """The operation's plans, once its first step has fetched their files. Raises what keeps it from that."""
        plans = {cluster: decode(plan) for cluster, plan in (await self.operations.get(wid)).plans.items()}
        steps = [plan.stages[0].attempts[0].steps[0].step for plan in plans.values()]
        wanted = [one for step in steps if isinstance(step, FetchFiles) for one in step.wanted]
        found = await Fetching(self.files).fetch(wid, wanted, lambda _done, _total: None)
        return {cluster: encode(filled(plan, found)) for cluster, plan in plans.items()}

    def image(self, name: str = "debian12.tgz") -> Path:
        """A small file that is really compressed."""
        path = self.images / name
        path.write_bytes(gzip.compress(b"not much of a system" * 1000, mtime=0))
        return path

    def description(self, **changes: object) -> Json:
        return {
            "name": "debian12",
            "version": 1,
            "description": "a small system",
            "os": "linux",
            "image": {"file": f"server://{self.image()}", "kind": "tar", "compression": "gzip"},
            "boot": {"kernel": "/vmlinuz", "initrd": "/initrd.img"},
            "filesystem": "ext4",
            **changes,
        }

    async def record(self, user: str = "alice", **changes: object) -> Json:
        async with self.client(user) as client:
            answer = await client.post("/environments", json={"environment": self.description(**changes)})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


DATABASE = "database.url"  # a file in the directory of a house, where its database is another than SQLite


@asynccontextmanager
async def open_house(
    directory: Path,
    authentication: Authentication = TRUSTED,
    administrators: frozenset[str] = ADMINISTRATORS,
    roles: Roles = EVERYBODY,
) -> AsyncIterator[House]:
    images = directory / "images"
    images.mkdir(exist_ok=True)
    told = directory / DATABASE
    database = Database.open(told.read_text() if told.exists() else migrated(directory / "kadeploy.db"))
    try:
        files = FileCache.open(
            directory / "cache", size=100 * MIB, permitted=Permitted(roots=(images,)), web=HERE, uploads=RULES
        )
        try:
            yield House(directory, database, files, authentication, administrators, roles)
        finally:
            files.close()
    finally:
        database.close()


def in_house(directory: Path, scenario: Callable[[House], Coroutine[Any, Any, None]]) -> None:
    """Run an async test in a house of its own."""

    async def run() -> None:
        async with asyncio.timeout(50), open_house(directory) as house:
            await scenario(house)

    asyncio.run(run())


def launch_body(**changes: object) -> Json:
    body: Json = {"environment": {"kind": "database", "name": "debian12"}, "nodes": ["node-1", "node-2"], **changes}
    return {key: value for key, value in body.items() if value is not None}
