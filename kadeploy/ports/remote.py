"""Remote: run commands on nodes, in the minimal environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One of the agent's commands by name, with arguments that JSON can carry."""

    name: str
    args: Mapping[str, object] = field(default_factory=dict)


ReportBytes = Callable[[str, int, int], None]
"""(node, bytes done, bytes in all; 0 when not known), at most once a second and node."""


class Remote(Protocol):
    """A command is run once for its `key` on a node, however often it is sent: a repeated key is answered
    with the first result. A node that is not connected within the deadline fails with a reason."""

    async def run(
        self,
        nodes: NodeSet,
        make: Callable[[str], Command],
        *,
        key: str,
        deadline: float,
        report: ReportBytes | None = None,
        leaves: bool = False,
    ) -> Result:
        """Run `make(node)` on each node for at most `deadline` seconds; `outputs` is what each answered.

        `leaves`: the command ends the system that the agent runs in. Whether a node that is gone has heard it cannot
        be known (its answer may have been for a server that was killed), so that node passes, too.
        """
        ...

    async def stop(self, nodes: NodeSet) -> None:
        """End what is being run on these nodes now: whoever waits for it hears of a failure."""
        ...
