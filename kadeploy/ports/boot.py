"""Boot: decide what nodes boot when their firmware next asks."""

from __future__ import annotations

from typing import Protocol

from kadeploy.domain.boot import BootTarget
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result


class Boot(Protocol):
    """The answer holds until it is set again, across restarts of the server."""

    async def set(self, nodes: NodeSet, target: BootTarget) -> Result: ...
