"""What the use cases stand on: ports, and what the configuration decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kadeploy.domain.node import Site
from kadeploy.operations.checksums import ArchiveLimits
from kadeploy.operations.consoles import ConsolePolicy
from kadeploy.operations.events import EventLog
from kadeploy.operations.no_consoles import NoConsoles, keep_nothing
from kadeploy.operations.no_files import NoContents, NoTexts, NoUploads
from kadeploy.operations.open_lines import KeepOf
from kadeploy.operations.readiness import Check
from kadeploy.operations.tokens import Lifetimes
from kadeploy.ports import store
from kadeploy.ports.clock import Clock
from kadeploy.ports.console import Consoles as Lines
from kadeploy.ports.directory import Directory
from kadeploy.ports.engine import Engine
from kadeploy.ports.files import Contents, Files, Texts, Uploads
from kadeploy.ports.gauge import Gauges
from kadeploy.ports.hooks import Hooks
from kadeploy.ports.reload import NoReload, Reload
from kadeploy.ports.statistics import Statistics as PastOperations
from kadeploy.ports.vlan import Vlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What the use cases stand on. `events` is made first, since the engine reports to it; `parts` must be ready for
    the server to be."""

    site: Site
    operations: store.Operations
    journal: store.Journal
    nodes: store.Nodes
    environments: store.Environments
    rights: store.Rights
    api_tokens: store.ApiTokens
    answers: store.Answers
    audit: store.Audit
    statistics: PastOperations
    files: Files
    engine: Engine
    events: EventLog
    hooks: Hooks
    due_hooks: store.DueHooks
    clock: Clock
    vlan: Vlan | None = None
    consoles: Lines = field(default_factory=NoConsoles)
    keep_console: KeepOf = keep_nothing
    system_groups: Directory | None = None
    uploads: Uploads = field(default_factory=NoUploads)
    contents: Contents = field(default_factory=NoContents)
    texts: Texts = field(default_factory=NoTexts)
    gauges: Gauges = tuple
    reload: Reload = field(default_factory=NoReload)
    parts: Mapping[str, Check] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What the configuration decides. `listed_for` and `kept_for` are in seconds."""

    administrators: frozenset[str]
    tokens: Lifetimes = field(default_factory=Lifetimes)
    rights_enforced: bool = True
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    system_groups: bool = False
    consoles: ConsolePolicy = field(default_factory=ConsolePolicy)
    listed_for: float = 360 * 60.0
    kept_for: float = 30 * 86400.0
    statistics_kept_for: float = 730 * 86400.0
    hooks_always: bool = False
    archives: ArchiveLimits = field(default_factory=ArchiveLimits)
