"""Where operations wait for nodes that others have. First come, first served: whoever is in front is let in when all
its nodes are free, and until then keeps those behind it off them.

Who waits is in the store, so a restart loses nobody's place.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Sequence
from typing import Final

from kadeploy.domain.event import Event, NodeFailed, NodesAborted, NodesDone, OperationEnded
from kadeploy.errors import KadeployError
from kadeploy.ports.engine import Engine
from kadeploy.ports.store import Operations

LOOK: Final = 5.0  # seconds; another server on the same database may have given nodes back
_FREEING: Final = (NodesDone, NodeFailed, NodesAborted, OperationEnded)

log = logging.getLogger(__name__)


class WaitingRoom:
    """A listener of the event log; `serve` lets operations in."""

    def __init__(self, operations: Operations, engine: Engine) -> None:
        self._operations = operations
        self._engine = engine
        self._news = asyncio.Event()

    async def __call__(self, events: Sequence[Event]) -> None:
        if any(isinstance(event, _FREEING) for event in events):
            self.look()

    def look(self) -> None:
        """Nodes may have become free."""
        self._news.set()

    async def serve(self) -> None:
        """Until it is cancelled."""
        while True:
            self._news.clear()
            try:
                for operation_id in await self._operations.admit():
                    log.info("%s has its nodes", operation_id)
                    await self._engine.start(operation_id)
            except KadeployError:
                log.exception("nobody can be let in now; trying again in %.0f s", LOOK)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await self._news.wait()
