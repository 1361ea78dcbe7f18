"""`kadeployd`: the composition root. Configuration -> adapters -> engine -> API, in one task group.

Nothing imports this file. What is started here is ended here; when one part of the server dies, all of it does,
and an operation that was under way goes on at the next start.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from kadeploy.api.app import create_app
from kadeploy.api.auth.chain import chain_of
from kadeploy.api.server import Settings
from kadeploy.boot import serve as http
from kadeploy.boot.catalog import Catalog
from kadeploy.boot.dnsmasq import BootNetwork, configuration
from kadeploy.boot.dnsmasq_process import Dnsmasq
from kadeploy.boot.http import BootPages, MinimalEnvironment
from kadeploy.boot.local_disk import disk_program
from kadeploy.boot.service import CatalogBoot
from kadeploy.boot.solicitations import answer_solicitations
from kadeploy.broadcast.heads import ImageHeads
from kadeploy.config.load import Loaded, load_site
from kadeploy.config.server import Boot, ServerConfig
from kadeploy.domain.node import Site
from kadeploy.drivers.agents.arrivals import Arrivals
from kadeploy.drivers.agents.broadcast import AgentBroadcast
from kadeploy.drivers.agents.meeting import Meeting
from kadeploy.drivers.agents.remote import AgentRemote
from kadeploy.drivers.agents.zipapp import agent_zipapp
from kadeploy.drivers.power import DRIVERS
from kadeploy.drivers.power.driver import PowerTimings
from kadeploy.drivers.power.ladder import Ladder
from kadeploy.drivers.power.ssh import SshPower
from kadeploy.drivers.presence import SitePresence
from kadeploy.engine.carry_out import Runs
from kadeploy.engine.durable import DurableEngine
from kadeploy.engine.perform import Performer
from kadeploy.errors import BadConfiguration, KadeployError
from kadeploy.files.cache import FileCache
from kadeploy.minienv.arguments import KERNEL_ARGUMENTS
from kadeploy.operations.assemble import Policy, Ports, assemble
from kadeploy.operations.events import EventLog
from kadeploy.plans.codec import decode
from kadeploy.ports.step import Services
from kadeploy.store.boot_targets import SqlBootTargets
from kadeploy.store.database import Database
from kadeploy.store.environments import SqlEnvironments
from kadeploy.store.journal import SqlJournal
from kadeploy.store.nodes import SqlNodes
from kadeploy.store.operations import SqlOperations
from kadeploy.store.rights import SqlRights
from kadeploy.store.tokens import SqlTokens

MEGABYTE = 1024**2

log = logging.getLogger(__name__)


class SystemClock:
    """Implements ports.clock.Clock."""

    def now(self) -> float:
        return time.time()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What lives on the disk."""

    database: Database
    files: FileCache


@contextlib.contextmanager
def opened(config: ServerConfig) -> Iterator[Opened]:
    """The state directory's contents, closed at the end."""
    config.state_directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.ExitStack() as stack:
        files = FileCache.open(config.cache_directory, size=config.cache.size * MEGABYTE, roots=config.files.roots)
        stack.callback(files.close)
        database = Database.open(config.database_url)
        stack.callback(database.close)
        yield Opened(database=database, files=files)


class NodeSide:
    """Everything that talks with nodes: their boot, their agents, their power."""

    def __init__(self, site: Site, config: ServerConfig, boot: Boot, database: Database, disk_program: bytes) -> None:
        self._site = site
        self._boot = boot
        self._config = config
        self.clock = SystemClock()
        tokens = SqlTokens(database)
        self.catalog = Catalog(site, SqlBootTargets(database))
        self.meeting = Meeting(tokens)
        self.pages = BootPages(
            catalog=self.catalog,
            minimal=MinimalEnvironment(
                url=self._url,
                meet=f"{boot.address}:{boot.meet_port}",
                kernel=boot.minienv / "vmlinuz",
                initrd=boot.minienv / "initrd",
                agent=agent_zipapp(),
                arguments=KERNEL_ARGUMENTS,
            ),
            tokens=tokens,
            clock=self.clock,
            disk_program=disk_program,
        )

    @property
    def _url(self) -> str:
        return f"http://{self._boot.address}:{self._boot.port}"

    def services(self) -> Services:
        remote = AgentRemote(self.meeting)
        key = self._config.ssh_private_key
        timings = PowerTimings()
        return Services(
            site=self._site,
            power=Ladder(
                site=self._site,
                bmcs={kind: make(timings) for kind, make in DRIVERS.items()},
                ssh=SshPower(key=key) if key else None,
            ),
            boot=CatalogBoot(site=self._site, catalog=self.catalog),
            remote=remote,
            broadcast=AgentBroadcast(self.meeting, remote, ImageHeads(), host=str(self._boot.address)),
            presence=SitePresence(site=self._site, agents=Arrivals(self.meeting)),
            clock=self.clock,
        )

    async def start(self, group: asyncio.TaskGroup) -> None:
        """Raises what cannot be listened to; then serves in the group until it is cancelled."""
        await self.catalog.load()
        address = str(self._boot.address)
        pages = http.listen(address, self._boot.port)
        await self.meeting.listen(address, self._boot.meet_port)
        group.create_task(http.serve(self.pages.application(), pages), name="boot pages")
        group.create_task(self.meeting.attend(), name="meeting point of agents")
        if self._boot.dnsmasq is not None:
            state = self._config.state_directory / "dnsmasq"
            network = BootNetwork(
                interface=self._boot.dnsmasq.interface,
                network=self._boot.dnsmasq.range,
                boot_url=self._url,
                domain=self._boot.dnsmasq.domain,
            )
            text = configuration(network, self._site.nodes.values(), state)
            group.create_task(Dnsmasq(configuration=text, state=state).run(), name="dnsmasq")
            macs = {node.mac for node in self._site.nodes.values() if node.mac}
            group.create_task(answer_solicitations(network.interface, macs), name="answers to solicitations")


async def serve(loaded: Loaded) -> None:
    """Until SIGTERM or SIGINT; raises KadeployError for what keeps the server from starting."""
    config = loaded.server
    if config.boot is None:
        raise BadConfiguration("server.conf: boot: is missing: nodes could not boot from the network")
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with opened(config) as store:
        nodes = NodeSide(loaded.site, config, config.boot, store.database, await disk_program())
        operations, journal = SqlOperations(store.database), SqlJournal(store.database)
        events = EventLog(journal)
        performer = Performer(services=nodes.services(), operations=operations, events=events)
        runs = Runs(performer=performer, decode=decode)
        engine = DurableEngine(runs, url=f"sqlite:///{config.state_directory / 'workflows.db'}")
        administrators = frozenset(config.rights.almighty_users)
        use_cases = assemble(
            Ports(
                site=loaded.site,
                operations=operations,
                journal=journal,
                nodes=SqlNodes(store.database),
                environments=SqlEnvironments(store.database),
                rights=SqlRights(store.database),
                files=store.files,
                engine=engine,
                events=events,
                clock=nodes.clock,
            ),
            Policy(
                administrators=administrators,
                rights_enforced=config.rights.kind == "db",
                listed_for=config.autoclean_threshold * 60.0,
            ),
        )
        application = create_app(
            use_cases,
            chain_of(config.authentication, administrators),
            Settings(headers_prefix=config.authentication.global_.headers_prefix),
        )
        async with asyncio.TaskGroup() as group:
            listening = http.listen(str(config.listen.address), config.listen.port)
            await store.files.keep_only(await operations.running())
            await nodes.start(group)
            await engine.launch()
            group.create_task(http.serve(application, listening), name="API")
            log.info("ready on %s:%d, %d nodes", config.listen.address, config.listen.port, len(loaded.site.nodes))
            group.create_task(_until(stop, nodes.meeting, engine), name="shutdown")


class _Stopped(Exception):
    """The server was told to stop."""


async def _until(stop: asyncio.Event, meeting: Meeting, engine: DurableEngine) -> None:
    """Wait for the signal, then leave in an order that ends nothing on the nodes."""
    await stop.wait()
    log.info("stopping; what is under way goes on at the next start")
    meeting.leave()
    await engine.close()
    raise _Stopped


@contextlib.contextmanager
def _pidfile(path: Path | None) -> Iterator[None]:
    if path is None:
        yield
        return
    path.write_text(f"{os.getpid()}\n")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


@click.command()
@click.option(
    "--config",
    "directory",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=lambda: Path(os.environ.get("KADEPLOY_CONFIG_DIR", "/etc/kadeploy")),
    help="Directory of server.conf, clusters.conf and the clusters' files (default: /etc/kadeploy).",
)
@click.option("-p", "--pidfile", type=click.Path(path_type=Path, dir_okay=False), help="Write the process number here.")
@click.option("-v", "--verbose", is_flag=True, help="Log more.")
def main(directory: Path, pidfile: Path | None, verbose: bool) -> None:
    """The Kadeploy server: installs operating systems on the nodes of its clusters."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    try:
        loaded = load_site(directory)
        for warning in loaded.warnings:
            log.warning("%s", warning)
        with _pidfile(pidfile):
            asyncio.run(serve(loaded))
    except* _Stopped:
        pass
    except* KadeployError as errors:
        for error in _leaves(errors):
            click.echo(f"kadeployd: {error}", err=True)
        sys.exit(1)


def _leaves(group: BaseExceptionGroup[KadeployError]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
