"""Power: switch nodes on and off, at a level of force."""

from __future__ import annotations

from typing import Protocol

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import Level
from kadeploy.domain.result import Result


class Power(Protocol):
    """Each verb is idempotent: turning on what is on succeeds. A node left out of the answer failed.

    A driver that cannot act at `level` answers with a reason for every node.
    """

    async def on(self, nodes: NodeSet, level: Level) -> Result: ...

    async def off(self, nodes: NodeSet, level: Level) -> Result: ...

    async def cycle(self, nodes: NodeSet, level: Level) -> Result:
        """Make the nodes start again, also those that are off."""
        ...

    async def status(self, nodes: NodeSet) -> Result:
        """`outputs` holds `on` or `off` for each node that answered."""
        ...
