"""Events as lines of text, for output that is not a terminal: one fact a line, with the time since the beginning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from kadeploy.cli.display import Board
from kadeploy.cli.milestones import Milestones
from kadeploy.cli.rows import fold
from kadeploy.cli.units import clock, percent, plural, size
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

SMALLEST: Final = 1  # level: ends only
USUAL: Final = 3

# The verbose level (-V) from which a kind of event is told.
LEVELS: Final[Mapping[type[Event], int]] = {
    OperationStarted: 1,
    OperationEnded: 1,
    NodesDone: 1,
    NodesHeld: 1,
    NodesResumed: 1,
    NodesAborted: 1,
    NodeFailed: 1,
    SetBranched: 2,
    SetJoined: 2,
    StepEnded: 3,
    NodeProgress: 3,
    StepStarted: 3,
    Decided: 4,
    NodesSaid: 4,
    HookEnded: 6,
    OperationQueued: 6,  # a notice says it, for as long as it lasts
}


class Lines:
    """Turns events into lines, one at a time. What it remembers is for bytes: which node sets are how far."""

    def __init__(self, level: int = USUAL) -> None:
        self._level = level
        self._milestones = Milestones()

    def of(self, board: Board, event: Event) -> Iterator[str]:
        """The event's lines; `board` has it applied already."""
        if LEVELS[type(event)] > self._level:
            return
        began = board.started if board.started is not None else event.at
        stamp = f"[{clock(event.at - began):>7}]"
        for text in self._texts(board, event):
            yield f"{stamp} {text}"

    def _texts(self, board: Board, event: Event) -> Iterator[str]:
        match event:
            case OperationStarted():
                count = plural(len(board.nodes), "node")
                yield f"{event.operation} of {event.user} began on {count}: {event.nodes}"
            case NodesDone():
                yield f"OK {event.nodes}"
            case NodesHeld():
                yield f"HELD before {event.macro}{event.instance}-{event.micro}: {event.nodes}"
            case NodesResumed():
                yield f"{event.nodes} resumed by {event.by}"
            case NodesAborted():
                yield f"KO {event.nodes}: {event.reason}"
            case NodeFailed():
                yield f"KO {event.node}: {board.ko.get(event.node, event.reason)}"
            case NodeProgress():
                yield from self._progress(board, event)
            case OperationEnded():
                error = f": {event.error}" if event.error else ""
                yield f"{event.operation} {event.state}, {len(board.ok)} OK, {len(board.ko)} KO{error}"
            case _:
                yield from _of_a_set(board, event)

    def _progress(self, board: Board, event: NodeProgress) -> Iterator[str]:
        spot = board.spots.get(event.node)
        if spot is None or not board.is_news(event):
            return
        if self._level >= 5:
            of = f" of {size(event.total)}" if _is_bytes(event) else ""
            yield f"{event.node} {event.micro} {percent(event.done, event.total)} %{of}"
            return
        if not _is_bytes(event):
            return
        passed = self._milestones.passed(board, event, spot)
        if passed is not None:
            moving = [transfer for node in passed.nodes if (transfer := board.transfer(node))]
            rate = sum(transfer.rate for transfer in moving) / len(moving)
            at = f" at {size(rate)}/s" if rate else ""
            yield f"{spot.macro}-{spot.micro} {passed.percent} % of {size(event.total)}{at}: {fold(passed.nodes)}"


def _of_a_set(board: Board, event: Event) -> Iterator[str]:
    match event:
        case StepStarted():
            yield f"{_where(board, event)}{_step(event)}: {event.nodes}"
        case StepEnded():
            yield from _step_ended(board, event)
        case SetBranched():
            yield f"{_where(board, event)}{event.nodes} apart as set {event.child}: {event.why}"
        case SetJoined():
            yield f"{_where(board, event)}{event.nodes} go on together with set {event.into}"
        case Decided():
            yield f"{_where(board, event)}{event.what}"
        case NodesSaid():
            yield f"{_where(board, event)}{event.micro} on {event.nodes} says:"
            yield from (f"    {line}" for line in event.text.splitlines())


def _is_bytes(event: NodeProgress) -> bool:
    """A step that waits reports one of one for a node that has come."""
    return event.total > 1


def _step(event: StepStarted | StepEnded) -> str:
    turn = f" (turn {event.turn + 1})" if event.turn else ""
    return f"{event.macro}{event.instance}-{event.micro}{turn}"


def _where(board: Board, event: StepStarted | StepEnded | SetBranched | Decided | NodesSaid | SetJoined) -> str:
    """The node set, where it is not the only one there can be."""
    cluster = f"{event.cluster} " if len(board.clusters) > 1 else ""
    return f"{cluster}set {event.set}: " if cluster or event.set != "0" else ""


def _step_ended(board: Board, event: StepEnded) -> Iterator[str]:
    """Nothing about nodes where all passed: the line before named them."""
    parts = [f"{_where(board, event)}{_step(event)} took {event.seconds:.1f} s"]
    if event.ko or event.late:
        parts.append(f"OK {event.ok or 'none'}")
    if event.late:
        parts.append(f"late {event.late}")
    alike: dict[str, list[str]] = {}
    for node, reason in event.ko.items():
        alike.setdefault(reason, []).append(node)
    parts += [f"failed {NodeSet(nodes)}: {' '.join(reason.split())}" for reason, nodes in alike.items()]
    yield "; ".join(parts)
