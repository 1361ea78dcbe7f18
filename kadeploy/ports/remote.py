"""Remote: run commands on nodes, in the minimal environment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.ports.company import Company


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One of the agent's commands by name, with arguments that JSON can carry."""

    name: str
    args: Mapping[str, object] = field(default_factory=dict)


ReportBytes = Callable[[str, int, int], None]
"""(node, bytes done, bytes in all; 0 when not known), at most once a second and node."""


def nobody(_node: str, _done: int, _total: int) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How something is asked of nodes: the `key` by which it is known for ever, how many seconds it may take, who is
    told of its progress. With `company`, those that are late by it are left to go on, and are in no part of the result:
    whoever asks them again by the same key finds what they were asked, under way or done."""

    key: str
    deadline: float
    report: ReportBytes = nobody
    company: Company | None = None

    def ended(self, nodes: Iterable[str]) -> None:
        """These are through with what they were asked, well or not."""
        if self.company is not None:
            for node in nodes:
                self.company.ended(node)


class Remote(Protocol):
    """A command is run once for its key on a node, however often it is sent: a repeated key is answered
    with the first result. A node that is not connected within the deadline fails with a reason."""

    async def run(
        self, nodes: NodeSet, make: Callable[[str], Command], terms: Terms, *, leaves: bool = False
    ) -> Result:
        """Run `make(node)` on each node; `outputs` is what each answered.

        `leaves`: the command ends the system that the agent runs in. Whether a node that is gone has heard it cannot
        be known (its answer may have been for a server that was killed), so that node passes, too.
        """
        ...

    async def stop(self, nodes: NodeSet) -> None:
        """End what is being run on these nodes now, also what was left: whoever waits for it hears of a failure."""
        ...
