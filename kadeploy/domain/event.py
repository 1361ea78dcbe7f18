"""Every fact the engine reports about an operation. Listeners (journal, display, API) live elsewhere.

`at` is seconds since the epoch. `set` names a node set inside its operation: `0`, its children `0.1`, `0.2`…
`nodes` is folded text. An event's `kind` is its class's name in snake case, as it travels in JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something happened in `operation`."""

    operation: str
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationStarted(Event):
    user: str
    nodes: str
    clusters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationQueued(Event):
    """It waits until the nodes that others have are free; `behind` maps those operations to these nodes."""

    user: str
    nodes: str
    behind: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(Event):
    cluster: str
    set: str
    macro: str
    instance: str
    micro: str
    turn: int
    nodes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEnded(Event):
    """`ok`, `late` are folded; `ko` maps a node to its reason; `late` nodes go on waiting as a set of their own.

    `limit`: seconds that one turn of the instance may take, 0 for no limit; `again`: nodes with which the step was
    tried again inside this visit, and how often.
    """

    cluster: str
    set: str
    macro: str
    instance: str
    micro: str
    turn: int
    seconds: float
    ok: str
    ko: Mapping[str, str] = field(default_factory=dict)
    late: str = ""
    limit: float = 0.0
    again: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBranched(Event):
    """Nodes left `set` to go on as `child`, and why: retry, fallback or late."""

    cluster: str
    set: str
    child: str
    nodes: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetJoined(Event):
    """Nodes of `set` go on in the set `into`: both came to the same broadcast."""

    cluster: str
    set: str
    into: str
    nodes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided(Event):
    """A policy decision, with its reason in words."""

    cluster: str
    set: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesSaid(Event):
    """What a custom operation or a script wrote, the same on all these nodes; its end, when it is long."""

    cluster: str
    set: str
    micro: str
    nodes: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesDone(Event):
    cluster: str
    set: str
    nodes: str
    outputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesHeld(Event):
    """The nodes wait before a step, at a breakpoint, until somebody resumes the operation."""

    cluster: str
    set: str
    macro: str
    instance: str
    micro: str
    nodes: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesResumed(Event):
    """The breakpoints at which these nodes were held hold nobody any more."""

    nodes: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesAborted(Event):
    """The nodes are no longer the operation's: it ended for them where they were, because `by` wanted so."""

    nodes: str
    by: str
    why: str = ""

    @property
    def reason(self) -> str:
        return f"aborted by {self.by}{': ' if self.why else ''}{self.why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFailed(Event):
    """The node will not be tried again: where it failed last, why, what it said last, and what was tried how often."""

    cluster: str
    set: str
    node: str
    macro: str
    micro: str
    reason: str
    output: str = ""
    tried: str = ""

    @property
    def told(self) -> str:
        """All of it but the output, in one sentence."""
        where = f"{self.macro}-{self.micro}: " if self.macro else ""
        return f"{where}{self.reason}{f' (tried: {self.tried})' if self.tried else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeProgress(Event):
    """Bytes of work done inside a step; shown live, never kept."""

    node: str
    micro: str
    done: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationEnded(Event):
    state: str
    ok: str
    ko: str
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookEnded(Event):
    """The only event that comes after the end: the site's command was run; `error` is empty when it went well."""

    error: str = ""


EVENTS: Final[Mapping[str, type[Event]]] = {
    "operation_started": OperationStarted,
    "operation_queued": OperationQueued,
    "step_started": StepStarted,
    "step_ended": StepEnded,
    "set_branched": SetBranched,
    "set_joined": SetJoined,
    "decided": Decided,
    "nodes_said": NodesSaid,
    "nodes_done": NodesDone,
    "nodes_held": NodesHeld,
    "nodes_resumed": NodesResumed,
    "nodes_aborted": NodesAborted,
    "node_failed": NodeFailed,
    "node_progress": NodeProgress,
    "operation_ended": OperationEnded,
    "hook_ended": HookEnded,
}
KINDS: Final[Mapping[type[Event], str]] = {event: kind for kind, event in EVENTS.items()}


def to_json(event: Event) -> dict[str, object]:
    """The event as a mapping that JSON can carry, its `kind` first."""
    return {"kind": KINDS[type(event)], **{entry.name: getattr(event, entry.name) for entry in fields(event)}}


def from_json(data: Mapping[str, object]) -> Event:
    """The inverse of `to_json`; unknown keys are dropped."""
    event = EVENTS[str(data["kind"])]
    known = {entry.name for entry in fields(event)}
    return event(**{key: value for key, value in data.items() if key in known})  # type: ignore[arg-type]
