"""Record: what a node set's visit of a step came to, written down as one thing.

The visit's answer, what became of its nodes, the nodes given back and the events are recorded together or not at
all. So a server that is killed at any moment either has never made the visit, and makes it again, or has made it
with all that follows from it, and tells the same answer for ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from kadeploy.domain.course import Course
from kadeploy.domain.event import Event, NodesAborted, NodesHeld, NodesResumed, StepEnded
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Outcome

Answer = Mapping[str, object]
Breakpoint = tuple[str, str]
"""The macro-step with its instance, and the micro-step before which nodes are held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """What statistics keep of nodes that have come to their end, beside their outcomes: their courses, of how many
    nodes of the cluster the operation is, how many bytes its image has, and which it is."""

    at: float
    cluster: str
    strength: int
    image_size: int
    courses: Mapping[str, Course]
    image_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclusion:
    """`nodes` are those it is about; `answers` maps the key of each visit that is concluded to its answer, which JSON
    can carry; `ends` is about the nodes with a final outcome."""

    operation: str
    nodes: NodeSet
    answers: Mapping[str, Answer] = field(default_factory=dict)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    events: Sequence[Event] = ()
    ends: Ends | None = None


class Record(Protocol):
    async def answer(self, key: str) -> Answer | None:
        """What was concluded under that key; None when nothing was."""
        ...

    async def steps(self, operation_id: str) -> Sequence[StepEnded]:
        """How every visit of a step ended that was concluded so far, in that order."""
        ...

    async def conclude(self, conclusion: Conclusion) -> NodeSet:
        """Write it down, and give back the nodes with a final outcome. When some of its nodes have been aborted
        meanwhile nothing is recorded: the answer is who they are."""
        ...


class Control(Protocol):
    """What people decide about an operation that runs. Each act and its event, which is the answer, are recorded
    together."""

    async def hold(self, event: NodesHeld) -> NodesHeld | None:
        """The nodes are held from now on; None when all of them are already, or have come to their end."""
        ...

    async def lifted(self, operation_id: str) -> frozenset[Breakpoint]:
        """The breakpoints that hold nobody any more."""
        ...

    async def resume(self, operation_id: str, *, by: str, at: float) -> NodesResumed | None:
        """Lift the breakpoints at which nodes are held now; None when none are."""
        ...

    async def withdraw(self, asked: NodesAborted, *, entirely: bool = False) -> NodesAborted | None:
        """End the operation for those of the nodes that have not come to their end; they stay locked. `entirely`: for
        all its nodes, whichever are asked for, and for good. None when there was no such node."""
        ...

    async def release(self, operation_id: str) -> None:
        """Give back every node that has come to its end."""
        ...
