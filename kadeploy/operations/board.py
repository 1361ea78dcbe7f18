"""`Board`: the live picture of an operation, a fold of its events and of nothing else.

The same events give the same picture, whenever and wherever they are folded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, cast

from kadeploy.domain.event import (
    Decided,
    Event,
    HookEnded,
    NodeFailed,
    NodeProgress,
    NodesAborted,
    NodesDone,
    NodesHeld,
    NodesResumed,
    NodesSaid,
    OperationEnded,
    OperationQueued,
    OperationStarted,
    SetBranched,
    SetJoined,
    StepEnded,
    StepStarted,
)
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import OperationState, Progress

StepKey = tuple[str, str]


@dataclass(slots=True, kw_only=True)
class NodeOnBoard:
    """Where a node is. `since` is when it entered that step; `passed` and `reason` are what the step said last."""

    cluster: str = ""
    set: str = ""
    state: Progress = Progress.PROCESSING
    macro: str = ""
    instance: str = ""
    micro: str = ""
    turn: int = 0
    since: float = 0.0
    passed: bool | None = None
    reason: str = ""
    output: str = ""
    done: int = 0
    total: int = 0


@dataclass(slots=True, kw_only=True)
class StepOnBoard:
    """One visit of a micro-step by a node set; `end` is None while it runs. The last three count nodes."""

    cluster: str
    set: str
    macro: str
    instance: str
    micro: str
    turn: int
    nodes: str
    count: int
    start: float
    end: float | None = None
    ok: int = 0
    ko: int = 0
    late: int = 0

    def seconds(self, now: float) -> float:
        return max(0.0, (now if self.end is None else self.end) - self.start)


@dataclass(slots=True, kw_only=True)
class Board:
    """`number` is that of the last event folded in, 0 for none; `settled` of the last that changed a node's state."""

    number: int = 0
    settled: int = 0
    user: str = ""
    started: float = 0.0
    ended: float | None = None
    state: OperationState = OperationState.RUNNING
    error: str = ""
    clusters: dict[str, NodeSet] = field(default_factory=dict)
    nodes: dict[str, NodeOnBoard] = field(default_factory=dict)
    steps: list[StepOnBoard] = field(default_factory=list)
    said: list[tuple[float, str]] = field(default_factory=list)
    running: dict[StepKey, StepOnBoard] = field(default_factory=dict)

    def apply(self, event: Event, number: int = 0) -> None:
        self.number = max(self.number, number)
        if type(event) in _SETTLING:
            self.settled = self.number
        _FOLDS[type(event)](self, event)

    def having(self, state: Progress) -> NodeSet:
        return NodeSet(name for name, node in self.nodes.items() if node.state is state)

    def place(self, names: Iterable[str]) -> list[NodeOnBoard]:
        return [self.nodes.setdefault(name, NodeOnBoard()) for name in names]


def fold(events: Iterable[Event]) -> Board:
    board = Board()
    for event in events:
        board.apply(event)
    return board


@lru_cache(maxsize=32)
def unfold(text: str) -> NodeSet:
    """An event's folded nodes, which may be none. One step's nodes are mostly the next one's: hence the cache."""
    return NodeSet.parse(text) if text else NodeSet()


def _operation_started(board: Board, event: OperationStarted) -> None:
    board.user, board.started, board.state = event.user, event.at, OperationState.RUNNING
    board.clusters = {cluster: unfold(nodes) for cluster, nodes in event.clusters.items()}
    for cluster, nodes in board.clusters.items():
        for node in board.place(nodes.names):
            node.cluster, node.since = cluster, event.at


def _operation_queued(board: Board, event: OperationQueued) -> None:
    board.user, board.state = event.user, OperationState.QUEUED
    waits = "; ".join(f"{nodes} of {other}" for other, nodes in event.behind.items())
    board.said.append((event.at, f"waits for {waits}"))


def _step_started(board: Board, event: StepStarted) -> None:
    nodes = unfold(event.nodes)
    step = StepOnBoard(
        cluster=event.cluster,
        set=event.set,
        macro=event.macro,
        instance=event.instance,
        micro=event.micro,
        turn=event.turn,
        nodes=event.nodes,
        count=len(nodes),
        start=event.at,
    )
    before = board.running.get((event.cluster, event.set))
    if before is not None:
        before.end = event.at  # a visit cut off by the server's death, and begun again
    board.running[event.cluster, event.set] = step
    board.steps.append(step)
    for node in board.place(nodes.names):
        _enter(node, event)


def _enter(node: NodeOnBoard, event: StepStarted) -> None:
    """A late node that goes on waiting in a set of its own has been in the step all along."""
    was = (node.macro, node.instance, node.micro, node.turn)
    node.cluster, node.set, node.passed = event.cluster, event.set, None
    node.macro, node.instance, node.micro, node.turn = event.macro, event.instance, event.micro, event.turn
    if was != (event.macro, event.instance, event.micro, event.turn):
        node.since, node.done, node.total = event.at, 0, 0


def _step_ended(board: Board, event: StepEnded) -> None:
    ok, late = unfold(event.ok), unfold(event.late)
    step = board.running.pop((event.cluster, event.set), None)
    if step is not None:
        step.end, step.ok, step.ko, step.late = event.at, len(ok), len(event.ko), len(late)
    for node in board.place(ok.names):
        node.passed, node.reason = True, ""
    for name, reason in event.ko.items():
        (node,) = board.place([name])
        node.passed, node.reason = False, reason


def _set_branched(board: Board, event: SetBranched) -> None:
    board.said.append((event.at, f"{event.nodes} go on apart: {event.why}"))
    for node in board.place(unfold(event.nodes).names):
        node.set = event.child


def _set_joined(board: Board, event: SetJoined) -> None:
    board.said.append((event.at, f"{event.nodes} join set {event.into}"))
    for node in board.place(unfold(event.nodes).names):
        node.set = event.into


def _decided(board: Board, event: Decided) -> None:
    board.said.append((event.at, event.what))


def _says_nothing(board: Board, event: Event) -> None:
    """For the log only."""


def _nodes_done(board: Board, event: NodesDone) -> None:
    for name in unfold(event.nodes).names:
        (node,) = board.place([name])
        node.state, node.since, node.output = Progress.OK, event.at, event.outputs.get(name, "")


def _node_failed(board: Board, event: NodeFailed) -> None:
    (node,) = board.place([event.node])
    node.state, node.since = Progress.KO, event.at
    node.reason, node.output = event.told, event.output


def _nodes_held(board: Board, event: NodesHeld) -> None:
    board.said.append((event.at, f"{event.nodes} held before {event.macro}{event.instance}-{event.micro}"))
    for node in board.place(unfold(event.nodes).names):
        node.cluster, node.set, node.since, node.passed = event.cluster, event.set, event.at, None
        node.macro, node.instance, node.micro = event.macro, event.instance, event.micro
        node.state = Progress.HELD


def _nodes_resumed(board: Board, event: NodesResumed) -> None:
    board.said.append((event.at, f"{event.nodes} resumed by {event.by}"))
    for node in board.place(unfold(event.nodes).names):
        node.state = Progress.PROCESSING


def _nodes_aborted(board: Board, event: NodesAborted) -> None:
    board.said.append((event.at, f"{event.nodes} {event.reason}"))
    for node in board.place(unfold(event.nodes).names):
        where = f"{node.macro}{node.instance}-{node.micro}: " if node.macro else ""
        node.state, node.since, node.reason = Progress.ABORTED, event.at, f"{where}{event.reason}"


def _node_progress(board: Board, event: NodeProgress) -> None:
    node = board.nodes.get(event.node)
    if node is not None and node.micro == event.micro and node.state is Progress.PROCESSING:
        node.done, node.total = event.done, event.total


def _operation_ended(board: Board, event: OperationEnded) -> None:
    board.ended, board.state, board.error = event.at, OperationState(event.state), event.error
    left = Progress.ABORTED if board.state is OperationState.ABORTED else Progress.KO
    ok = unfold(event.ok)
    for name, node in board.nodes.items():
        if not node.state.is_final:
            node.state = Progress.OK if name in ok else left
            node.reason = "" if name in ok else node.reason or event.error or str(left)
    for step in board.running.values():
        step.end = event.at
    board.running.clear()


_SETTLING: Final = {NodesDone, NodeFailed, NodesHeld, NodesResumed, NodesAborted, OperationEnded}
_FOLDS: Final = cast(
    Mapping[type[Event], Callable[[Board, Event], None]],
    {
        OperationQueued: _operation_queued,
        OperationStarted: _operation_started,
        StepStarted: _step_started,
        StepEnded: _step_ended,
        SetBranched: _set_branched,
        SetJoined: _set_joined,
        Decided: _decided,
        NodesSaid: _says_nothing,
        NodesDone: _nodes_done,
        NodesHeld: _nodes_held,
        NodesResumed: _nodes_resumed,
        NodesAborted: _nodes_aborted,
        NodeFailed: _node_failed,
        NodeProgress: _node_progress,
        OperationEnded: _operation_ended,
        HookEnded: _says_nothing,
    },
)
