"""The inside of a server, put together: store -> events -> engine -> use cases, over any nodes.

One place for the daemon and for what measures it.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from dataclasses import dataclass, replace

from kadeploy.config.server import ServerConfig
from kadeploy.drivers.console.log import ConsoleLogs
from kadeploy.drivers.hooks import CommandHooks
from kadeploy.drivers.system_groups import SystemGroups
from kadeploy.engine.durable import DurableEngine
from kadeploy.engine.perform import Performer
from kadeploy.engine.runs import Runs
from kadeploy.fetching import open_cache
from kadeploy.node_side import Opened, Side
from kadeploy.operations.assemble import UseCases, assemble
from kadeploy.operations.checksums import ArchiveLimits
from kadeploy.operations.consoles import ConsolePolicy
from kadeploy.operations.events import EventLog
from kadeploy.operations.fetching import Fetching
from kadeploy.operations.foundation import Policy, Ports
from kadeploy.plans.codec import decode
from kadeploy.ports.files import Contents
from kadeploy.ports.gauge import Gauge
from kadeploy.ports.reload import NoReload, Reload
from kadeploy.ports.step import Services
from kadeploy.securing import lifetimes
from kadeploy.store.answers import SqlAnswers
from kadeploy.store.api_tokens import SqlApiTokens
from kadeploy.store.audit import SqlAudit
from kadeploy.store.audit_file import FiledAudit
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

MEGABYTE = 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """Launch the engine in the running event loop, and close it there."""

    use_cases: UseCases
    engine: DurableEngine
    operations: SqlOperations
    hooks: CommandHooks
    audit: FiledAudit
    console_logs: ConsoleLogs


@contextlib.contextmanager
def opened(config: ServerConfig) -> Iterator[Opened]:
    """The state directory's contents, closed at the end."""
    config.state_directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    with contextlib.ExitStack() as stack:
        files = open_cache(config)
        stack.callback(files.close)
        database = Database.open(config.database_url)
        stack.callback(database.close)
        yield Opened(database=database, files=files)


def compose(config: ServerConfig, nodes: Side, store: Opened, reload: Reload | None = None) -> Inside:
    """Nothing is started here."""
    audit = FiledAudit(SqlAudit(store.database), config.audit.file)
    console_logs = ConsoleLogs(directory=config.console.log_directory)
    hooks = CommandHooks(commands=config.hooks.commands, deadline=config.hooks.deadline)
    operations, journal = SqlOperations(store.database), SqlJournal(store.database)
    events = EventLog(journal)
    services = replace(nodes.services(), fetcher=Fetching(store.files))
    runs = Runs(performer=_performer(services, operations, store.database, events), decode=decode)
    workflows = config.state_directory / "workflows.db"
    workflows.touch(mode=0o600)  # it holds people's keys and scripts; SQLite's other files get its mode
    engine = DurableEngine(runs, url=f"sqlite:///{workflows}")
    use_cases = assemble(
        Ports(
            site=nodes.site,
            operations=operations,
            journal=journal,
            nodes=SqlNodes(store.database),
            environments=SqlEnvironments(store.database),
            rights=SqlRights(store.database),
            api_tokens=SqlApiTokens(store.database),
            answers=SqlAnswers(store.database),
            audit=audit,
            statistics=SqlStatistics(store.database),
            files=store.files,
            uploads=store.files.uploads,
            contents=store.files,
            texts=store.files,
            engine=engine,
            events=events,
            hooks=hooks,
            due_hooks=SqlDueHooks(store.database),
            clock=nodes.clock,
            vlan=services.vlan,
            consoles=nodes.consoles,
            keep_console=console_logs.of,
            gauges=lambda: (*nodes.gauges(), *_of_cache(store.files)),
            parts={"store": store.database.check, "engine": engine.check},
            system_groups=SystemGroups(),
            reload=reload or NoReload(),
        ),
        policy_of(config),
    )
    return Inside(
        use_cases=use_cases,
        engine=engine,
        operations=operations,
        hooks=hooks,
        audit=audit,
        console_logs=console_logs,
    )


def _performer(services: Services, operations: SqlOperations, database: Database, events: EventLog) -> Performer:
    return Performer(
        services=services,
        operations=operations,
        record=SqlRecord(database),
        control=SqlControl(database),
        events=events,
    )


def policy_of(config: ServerConfig) -> Policy:
    return Policy(
        administrators=config.administrators,
        tokens=lifetimes(config),
        rights_enforced=config.rights.kind == "db",
        groups=config.rights.groups,
        system_groups=config.rights.system_groups,
        consoles=ConsolePolicy(scrollback=config.console.scrollback, unattended=config.console.unattended),
        listed_for=config.autoclean_threshold * 60.0,
        kept_for=config.journal_retention * 86400.0,
        statistics_kept_for=config.statistics_retention * 86400.0,
        hooks_always=config.hooks.when == "always",
        archives=ArchiveLimits(
            preinstall=config.environments.max_preinstall_size * MEGABYTE,
            postinstall=config.environments.max_postinstall_size * MEGABYTE,
        ),
    )


def _of_cache(files: Contents) -> Iterator[Gauge]:
    held = files.half + sum(one.size for one in files.kept())
    yield Gauge(name="cache_bytes", says="Bytes of fetched files", value=held)
    yield Gauge(name="cache_limit_bytes", says="Bytes that fetched files may have", value=files.limit)


def settle_memory() -> None:
    """What was loaded so far is never garbage, and what is made from here on is looked through in small heaps, and as a
    whole hardly ever: everything stands still meanwhile, a twentieth of a second for 50,000 objects. Connections leave
    cycles (asyncio's transports refer to themselves), so that it cannot be left out."""
    gc.freeze()
    gc.set_threshold(2_000, 10, 250)
