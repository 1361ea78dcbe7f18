"""The system that nodes run before we have booted ours: no agent is there, only SSH."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result


class RunningSystem(Protocol):
    """Commands run as root, once each time they are sent."""

    async def put(self, nodes: NodeSet, files: Mapping[str, str], *, deadline: float) -> Result:
        """Write files there: their path on the node, and on this server."""
        ...

    async def run(
        self, nodes: NodeSet, make: Callable[[str], Sequence[str]], *, deadline: float, leaves: bool = False
    ) -> Result:
        """Run a command on each; `outputs` is what it wrote. `leaves`: it ends that system, and so its connection."""
        ...
