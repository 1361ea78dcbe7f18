"""When a whole node set has passed another part of its bytes: rare news out of thousands of reports a second."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from kadeploy.cli.display import Board, Spot
from kadeploy.cli.units import percent
from kadeploy.domain.event import NodeProgress

STRIDE: Final = 25  # percent between two milestones


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """Every one of these nodes has this much."""

    nodes: frozenset[str]
    percent: int


@dataclass(slots=True)
class _Course:
    """One node set in one step. `ahead` are nodes known to have passed what was last told."""

    nodes: frozenset[str]
    told: int = 0
    ahead: set[str] = field(default_factory=set)


class Milestones:
    """Costs nothing to speak of a report: the set is looked through only when all may have passed."""

    def __init__(self) -> None:
        self._courses: dict[Spot, _Course] = {}

    def passed(self, board: Board, event: NodeProgress, spot: Spot) -> Passed | None:
        """News, if the node of this report, which is at `spot`, was the last of its set to pass the next milestone."""
        course = self._courses.get(spot)
        if course is None:
            nodes = frozenset(node for node, other in board.spots.items() if other == spot)
            course = self._courses.setdefault(spot, _Course(nodes))
        if percent(event.done, event.total) < course.told + STRIDE:
            return None
        course.ahead.add(event.node)
        if len(course.ahead) < len(course.nodes):
            return None
        parts = {node: _part(board, node) for node in course.nodes}
        slowest = min(parts.values()) // STRIDE * STRIDE
        news = Passed(nodes=course.nodes, percent=slowest) if slowest > course.told else None
        course.told = max(course.told, slowest)
        course.ahead = {node for node, part in parts.items() if part >= course.told + STRIDE}
        return news


def _part(board: Board, node: str) -> int:
    transfer = board.transfer(node)
    return percent(transfer.done, transfer.total) if transfer else 0
