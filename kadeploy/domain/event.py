"""Every fact the engine reports about an operation. Listeners (journal, display, API) live elsewhere.

`at` is seconds since the epoch. `set` names a node set inside its operation: `0`, its children `0.1`, `0.2`…
`nodes` is folded text. An event's `kind` is its class's name in snake case, as it travels in JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
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
    """`ok`, `late` are folded; `ko` maps a node to its reason; `late` nodes go on waiting as a set of their own."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class SetBranched(Event):
    """Nodes left `set` to go on as `child`, and why: retry, fallback or late."""

    cluster: str
    set: str
    child: str
    nodes: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided(Event):
    """A policy decision, with its reason in words."""

    cluster: str
    set: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesDone(Event):
    cluster: str
    set: str
    nodes: str
    outputs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFailed(Event):
    """The node will not be tried again: where it failed last, and why."""

    cluster: str
    set: str
    node: str
    macro: str
    micro: str
    reason: str


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


EVENTS: Final[Mapping[str, type[Event]]] = {
    "operation_started": OperationStarted,
    "step_started": StepStarted,
    "step_ended": StepEnded,
    "set_branched": SetBranched,
    "decided": Decided,
    "nodes_done": NodesDone,
    "node_failed": NodeFailed,
    "node_progress": NodeProgress,
    "operation_ended": OperationEnded,
}
KINDS: Final[Mapping[type[Event], str]] = {event: kind for kind, event in EVENTS.items()}


def to_json(event: Event) -> dict[str, object]:
    """The event as a mapping that JSON can carry, its `kind` first."""
    return {"kind": KINDS[type(event)], **asdict(event)}


def from_json(data: Mapping[str, object]) -> Event:
    """The inverse of `to_json`; unknown keys are dropped."""
    event = EVENTS[str(data["kind"])]
    known = {entry.name for entry in fields(event)}
    return event(**{key: value for key, value in data.items() if key in known})  # type: ignore[arg-type]
