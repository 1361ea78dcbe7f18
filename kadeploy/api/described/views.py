"""The shapes of answers, for the document alone: the answers themselves are made by the resources."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class View(BaseModel):
    """More keys than these may come with a later version."""

    model_config = ConfigDict(extra="allow")


class Resources(View):
    """Paths to ask on about an operation."""

    resource: str
    log: str
    logs: dict[str, str]
    state: str
    status: str
    error: str
    events: str
    journal: str
    board: str
    debug: str | None = None
    debugs: dict[str, str] | None = None


class Launched(View):
    """An operation that was begun."""

    wid: str
    resources: Resources
    warnings: list[str] = []


class Planned(View):
    """What a dry run would have begun: nothing was."""

    dry_run: bool
    nodes: list[str]
    text: str
    plans: dict[str, Any]
    warnings: list[str] = []


class EnvironmentReference(View):
    id: int
    user: str | None
    name: str | None
    version: int | None


class Standing(View):
    """The nodes of an operation by how they stand; `held` and `processing` only while it goes on."""

    ok: list[str]
    ko: list[str]
    held: list[str] = []
    processing: list[str] = []


class OperationShort(View):
    """An operation as it is shown to everybody."""

    wid: str
    user: str
    done: bool
    error: bool
    start_time: int
    nodes: list[str]


class OperationLong(View):
    """An operation as its owner, operators and administrators see it. With `error` it has no logs and nodes."""

    wid: str
    user: str
    done: bool
    error: bool
    start_time: int
    state: str
    time: float
    environment: EnvironmentReference | None = None
    logs: bool = False
    debugs: bool = False
    nodes: Standing | None = None


class NodeStanding(View):
    """Where a node of an operation is; for one that failed, where and why."""

    macro: str | None
    micro: str | None
    state: str
    error: str | None
    out: str | None


class Done(View):
    """Of what it was done."""

    wid: str


class DoneOnNodes(View):
    """Of what, and on which nodes, it was done."""

    wid: str
    nodes: list[str]


class JournalPage(View):
    """Events in their order. `next` is what to give as `after` for those that follow, null when there are none yet."""

    events: list[dict[str, Any]]
    next: int | None


class Board(View):
    """The live picture of an operation. Times are seconds since the epoch, by the server's clock, `now`."""

    operation: str
    kind: str
    user: str
    state: str
    error: str
    number: int
    now: float
    started: float
    ended: float | None
    clusters: dict[str, str]
    nodes: dict[str, Any]
    steps: list[dict[str, Any]]
    timings: list[dict[str, Any]]
    said: list[dict[str, Any]]


class NodeEnvironment(View):
    name: str | None
    version: int | None
    user: str | None


class NodeState(View):
    """What was last made of a node."""

    state: str
    user: str | None
    environment: NodeEnvironment


class EnvironmentView(View):
    """A description as its author wrote it, with whose it is."""

    name: str
    version: int
    user: str
    description: str
    author: str
    visibility: str
    destructive: bool


class ConsoleView(View):
    """A serial console. The last three are for its owner, operators and administrators."""

    id: str
    user: str
    node: str
    error: bool
    time: float
    attached: bool = False
    watches: bool = False
    console_uri: str | None = None


class ConsoleResources(View):
    resource: str
    error: str
    stream: str
    console: str | None = None


class ConsoleOpened(View):
    """A console that was opened, or with `dry_run` the node whose console would have been."""

    wid: str = ""
    resources: ConsoleResources | None = None


class Info(View):
    """What the server can do."""

    pxe: str
    automata: dict[str, dict[str, list[dict[str, Any]]]]
    supported_fs: dict[str, list[str]]
    vars: list[str]


class Token(View):
    """A token of the API. Times are seconds since the epoch; `token` is told once, when it is made."""

    id: str
    user: str
    name: str
    scope: str
    created: float
    expires: float
    used: float | None
    token: str | None = None


class WhoAmI(View):
    user: str
    role: str
    scope: str
    scheme: str
    token: str | None
    groups: list[str]


class AuditEntry(View):
    at: float
    user: str
    action: str
    role: str
    scheme: str
    address: str
    operation: str
    nodes: str
    result: str


class UploadView(View):
    id: str
    name: str
    size: int
    received: int
    complete: bool
    sha256: str
    url: str
    expires: int | None
    kept_for: list[str]


class Uploads(View):
    uploads: list[UploadView]
    used: int
    quota: int
    for_environments: bool


class CacheContents(View):
    """`half` is the bytes of files that have come half, kept for who asks for them next."""

    size: int
    half: int
    contents: list[dict[str, Any]]
    limit: int | None = None


class ReloadedView(View):
    """Paths in the configuration: `changed` counts now, `restart` only at the next start."""

    changed: list[str]
    restart: list[str]
    warnings: list[str]


class Health(View):
    status: str


class Readiness(View):
    ready: bool
    parts: dict[str, str]
