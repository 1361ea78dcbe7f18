"""`Board`: what is known of an operation, from its events alone. No clock, no screen: both are the caller's.

Events may be told again (a restarted server repeats what it was doing): the board stays right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, cast

from kadeploy.cli.units import clock
from kadeploy.domain.event import (
    Event,
    NodeFailed,
    NodeProgress,
    NodesAborted,
    NodesDone,
    NodesHeld,
    NodesResumed,
    OperationEnded,
    OperationStarted,
    SetBranched,
    StepEnded,
    StepStarted,
)
from kadeploy.domain.nodeset import NodeSet

SMOOTHING: Final = 0.5  # weight of the newest measure in a rate
LENIENT: Final = 0.2  # of what is usual, that is no surprise beyond it

SetKey = tuple[str, str]  # cluster, set


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where a node is; `since` is when the step began, in seconds since the epoch."""

    cluster: str
    set: str
    macro: str
    micro: str
    turn: int
    since: float

    @property
    def place(self) -> tuple[str, str, int]:
        return self.macro, self.micro, self.turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Bytes of one node's work in a step; `rate` in bytes per second."""

    micro: str
    done: int
    total: int
    at: float
    rate: float = 0.0

    def moved(self, event: NodeProgress) -> Transfer:
        seconds = event.at - self.at
        rate = self.rate
        if seconds > 0 and event.done >= self.done:
            measured = (event.done - self.done) / seconds
            rate = measured if not rate else SMOOTHING * measured + (1 - SMOOTHING) * rate
        return Transfer(micro=event.micro, done=event.done, total=event.total, at=event.at, rate=rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    macro: str
    micro: str
    reason: str
    tried: str = ""
    output: str = ""

    def __str__(self) -> str:
        place = "-".join(filter(None, (self.macro, self.micro)))
        tried = f" (tried: {self.tried})" if self.tried else ""
        return f"{place}: {self.reason}{tried}" if place else f"{self.reason}{tried}"


@dataclass(slots=True, kw_only=True)
class StepTime:
    """What a micro-step has cost so far; `longest` is the longest of its runs, in seconds."""

    macro: str
    micro: str
    runs: int = 0
    ok: int = 0
    ko: int = 0
    longest: float = 0.0


@dataclass(slots=True)
class Board:
    """`sets` tells when each node set began and why it left another; those `between` are in no step just now.
    `expected`: seconds that half of the nodes should take at most, and nine of ten."""

    operation: str = ""
    user: str = ""
    started: float | None = None
    latest: float = 0.0
    nodes: NodeSet = field(default_factory=NodeSet)
    clusters: Mapping[str, str] = field(default_factory=dict)
    spots: dict[str, Spot] = field(default_factory=dict)
    transfers: dict[str, Transfer] = field(default_factory=dict)
    sets: dict[SetKey, tuple[float, str]] = field(default_factory=dict)
    between: set[SetKey] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    ok: set[str] = field(default_factory=set)
    ko: dict[str, Failure] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    steps: dict[tuple[str, str], StepTime] = field(default_factory=dict)
    ended: OperationEnded | None = None
    expected: tuple[float, float] | None = None

    def apply(self, event: Event) -> None:
        if not isinstance(event, NodeProgress):
            self.latest = max(self.latest, event.at)
        fold = _FOLDS.get(type(event))
        if fold is not None:
            fold(self, event)

    @property
    def elapsed(self) -> float:
        """Seconds from the operation's begin to its latest event."""
        return self.latest - self.started if self.started is not None else 0.0

    def left(self, now: float) -> str:
        """How long it will still take, in a few words; nothing where that is not known."""
        if self.expected is None or self.started is None or self.ended is not None:
            return ""
        half, most = (seconds - (now - self.started) for seconds in self.expected)
        if half >= 1:
            return f"about {clock(half)} left"
        if most >= 1:
            return f"at most {clock(most)} left, usually"
        return "nearly over" if -most < 1 + LENIENT * self.expected[1] else "longer than usual"

    @property
    def waiting(self) -> NodeSet:
        """Nodes no step has begun for."""
        return NodeSet(self.nodes.names - self.spots.keys() - self.ok - self.ko.keys())

    @property
    def is_held(self) -> bool:
        """Whether nothing runs: all that have not ended are held at a breakpoint."""
        return bool(self.held) and len(self.nodes) == len(self.ok) + len(self.ko) + len(self.held)

    def is_news(self, event: NodeProgress) -> bool:
        """Whether the node is in that step still."""
        spot = self.spots.get(event.node)
        return spot is not None and spot.micro == event.micro and (spot.cluster, spot.set) not in self.between

    def transfer(self, node: str) -> Transfer | None:
        """The node's bytes in the step it is in now."""
        found, spot = self.transfers.get(node), self.spots.get(node)
        return found if found and spot and found.at >= spot.since else None

    def _set_branched(self, event: SetBranched) -> None:
        self.sets.setdefault((event.cluster, event.child), (event.at, event.why))

    def _operation_started(self, event: OperationStarted) -> None:
        self.operation = event.operation
        self.user = event.user
        self.clusters = event.clusters
        self._know(NodeSet.parse(event.nodes).names)
        self.started = event.at if self.started is None else min(self.started, event.at)

    def _step_started(self, event: StepStarted) -> None:
        spot = Spot(
            cluster=event.cluster,
            set=event.set,
            macro=event.macro + event.instance,
            micro=event.micro,
            turn=event.turn,
            since=event.at,
        )
        nodes = NodeSet.parse(event.nodes)
        self._know(nodes.names)
        self.started = event.at if self.started is None else self.started
        self.sets.setdefault((event.cluster, event.set), (event.at, ""))
        self.between.discard((event.cluster, event.set))
        for node in nodes.names - self.ok - self.ko.keys():
            known = self.spots.get(node)
            # One that is late, or whose step a restarted server begins again, has been in it all along.
            self.spots[node] = replace(spot, since=known.since) if known and known.place == spot.place else spot

    def _step_ended(self, event: StepEnded) -> None:
        self.between.add((event.cluster, event.set))
        key = (event.macro + event.instance, event.micro)
        step = self.steps.setdefault(key, StepTime(macro=key[0], micro=key[1]))
        step.runs += 1
        step.ok += len(_unfold(event.ok))
        step.ko += len(event.ko)
        step.longest = max(step.longest, event.seconds)

    def _nodes_done(self, event: NodesDone) -> None:
        nodes = NodeSet.parse(event.nodes)
        self._know(nodes.names)
        self.ok.update(nodes.names)
        self.outputs.update(event.outputs)
        for node in nodes.names:
            self._leave(node)

    def _nodes_held(self, event: NodesHeld) -> None:
        nodes = NodeSet.parse(event.nodes)
        self._know(nodes.names)
        self.held |= nodes.names - self.ok - self.ko.keys()
        at = {"cluster": event.cluster, "set": event.set, "macro": event.macro + event.instance, "micro": event.micro}
        self.spots.update(dict.fromkeys(nodes.names, Spot(**at, turn=0, since=event.at)))

    def _nodes_resumed(self, event: NodesResumed) -> None:
        self.held -= NodeSet.parse(event.nodes).names

    def _nodes_aborted(self, event: NodesAborted) -> None:
        for node in NodeSet.parse(event.nodes).names:
            spot = self.spots.get(node)
            place = {"macro": spot.macro, "micro": spot.micro} if spot else {"macro": "", "micro": ""}
            self._fail(node, Failure(**place, reason=event.reason))

    def _node_failed(self, event: NodeFailed) -> None:
        output = event.output if event.output not in event.reason else ""
        at = {"macro": event.macro, "micro": event.micro}
        self._fail(event.node, Failure(**at, reason=event.reason, tried=event.tried, output=output))

    def _fail(self, node: str, failure: Failure) -> None:
        self._know(frozenset((node,)))
        self.ko[node] = failure
        self._leave(node)

    def _know(self, names: frozenset[str]) -> None:
        if not names <= self.nodes.names:
            self.nodes = NodeSet(self.nodes.names | names)

    def _leave(self, node: str) -> None:
        self.held.discard(node)
        self.spots.pop(node, None)
        self.transfers.pop(node, None)

    def _progress(self, event: NodeProgress) -> None:
        """Progress is told beside the journal, so the last of it may come when its step has ended."""
        if not self.is_news(event):
            return
        known = self.transfers.get(event.node)
        fresh = Transfer(micro=event.micro, done=event.done, total=event.total, at=event.at)
        same = known is not None and known.micro == event.micro and known.total == event.total
        self.transfers[event.node] = known.moved(event) if known and same else fresh

    def _operation_ended(self, event: OperationEnded) -> None:
        """Every node is settled by now; the server's word counts for those whose own event was not seen."""
        self.ended = event
        ok, ko = _unfold(event.ok).names, _unfold(event.ko).names
        self._know(ok | ko)
        self.ok.update(ok)
        for node in ko - self.ko.keys():
            spot = self.spots.get(node)
            reason = event.error or (event.state if event.state != "done" else "no reason was told")
            self._fail(node, Failure(macro=spot.macro if spot else "", micro=spot.micro if spot else "", reason=reason))
        for node in ok:
            self._leave(node)


def _unfold(text: str) -> NodeSet:
    return NodeSet.parse(text) if text else NodeSet()


_FOLDS: Final = cast(
    Mapping[type[Event], Callable[[Board, Event], None]],
    {
        OperationStarted: Board._operation_started,
        StepStarted: Board._step_started,
        StepEnded: Board._step_ended,
        SetBranched: Board._set_branched,
        NodesDone: Board._nodes_done,
        NodesHeld: Board._nodes_held,
        NodesResumed: Board._nodes_resumed,
        NodesAborted: Board._nodes_aborted,
        NodeFailed: Board._node_failed,
        NodeProgress: Board._progress,
        OperationEnded: Board._operation_ended,
    },
)
