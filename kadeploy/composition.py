"""The inside of a server, put together: store -> events -> engine -> use cases, over any nodes.

One place for the daemon and for what measures it.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from dataclasses import dataclass

from kadeploy.config.server import ServerConfig
from kadeploy.drivers.hooks import CommandHooks
from kadeploy.engine.durable import DurableEngine
from kadeploy.engine.perform import Performer
from kadeploy.engine.runs import Runs
from kadeploy.files.cache import FileCache
from kadeploy.node_side import Opened, Side
from kadeploy.operations.assemble import Policy, Ports, UseCases, assemble
from kadeploy.operations.events import EventLog
from kadeploy.plans.codec import decode
from kadeploy.securing import lifetimes
from kadeploy.store.api_tokens import SqlApiTokens
from kadeploy.store.audit_file import audit_on
from kadeploy.store.control import SqlControl
from kadeploy.store.database import Database
from kadeploy.store.due_hooks import SqlDueHooks
from kadeploy.store.environments import SqlEnvironments
from kadeploy.store.journal import SqlJournal
from kadeploy.store.nodes import SqlNodes
from kadeploy.store.operations import SqlOperations
from kadeploy.store.record import SqlRecord
from kadeploy.store.rights import SqlRights

MEGABYTE = 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """Launch the engine in the running event loop, and close it there."""

    use_cases: UseCases
    engine: DurableEngine
    operations: SqlOperations


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


def compose(config: ServerConfig, nodes: Side, store: Opened) -> Inside:
    """Nothing is started here."""
    operations, journal = SqlOperations(store.database), SqlJournal(store.database)
    events = EventLog(journal)
    services = nodes.services()
    performer = Performer(
        services=services,
        operations=operations,
        record=SqlRecord(store.database),
        control=SqlControl(store.database),
        events=events,
    )
    runs = Runs(performer=performer, decode=decode)
    engine = DurableEngine(runs, url=f"sqlite:///{config.state_directory / 'workflows.db'}")
    use_cases = assemble(
        Ports(
            site=nodes.site,
            operations=operations,
            journal=journal,
            nodes=SqlNodes(store.database),
            environments=SqlEnvironments(store.database),
            rights=SqlRights(store.database),
            api_tokens=SqlApiTokens(store.database),
            audit=audit_on(store.database, config.audit.file),
            files=store.files,
            engine=engine,
            events=events,
            hooks=CommandHooks(commands=config.hooks.commands, deadline=config.hooks.deadline),
            due_hooks=SqlDueHooks(store.database),
            clock=nodes.clock,
            vlan=services.vlan,
        ),
        Policy(
            administrators=config.administrators,
            tokens=lifetimes(config),
            rights_enforced=config.rights.kind == "db",
            listed_for=config.autoclean_threshold * 60.0,
            kept_for=config.journal_retention * 86400.0,
            hooks_always=config.hooks.when == "always",
        ),
    )
    return Inside(use_cases=use_cases, engine=engine, operations=operations)


def settle_memory() -> None:
    """What was loaded so far is never garbage, and garbage in cycles is rare here: looking for it among the objects of
    ten thousand nodes would stop everything for a fifth of a second, often."""
    gc.freeze()
    gc.set_threshold(50_000, 25, 50)
