"""What follows when rights end: whoever has none on a node any more, stops there.

Rights end when they are revoked, overwritten, or when their time is over; the last needs somebody who looks: `serve`.
It finds everything in the store, so rights that ended while no server ran have their consequences at its start.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation
from kadeploy.errors import InvalidWorkflow, KadeployError
from kadeploy.operations.permission import Permission
from kadeploy.operations.waiting_room import WaitingRoom
from kadeploy.ports.clock import Clock
from kadeploy.ports.engine import Engine
from kadeploy.ports.store import Operations, Rights

LOOK: Final = 30.0  # seconds; another server on the same database may have taken rights
BY: Final = "kadeployd"  # who ends what nobody revoked

log = logging.getLogger(__name__)


class LostRights:
    """`close_consoles` closes those whose users have no right on their nodes."""

    def __init__(
        self,
        *,
        rights: Rights,
        permission: Permission,
        operations: Operations,
        engine: Engine,
        waiting_room: WaitingRoom,
        clock: Clock,
        close_consoles: Callable[[], Awaitable[None]],
    ) -> None:
        self._rights = rights
        self._permission = permission
        self._operations = operations
        self._engine = engine
        self._waiting_room = waiting_room
        self._clock = clock
        self._close_consoles = close_consoles
        self._news = asyncio.Event()
        self._stopping: set[str] = set()

    async def apply(self, *, by: str) -> None:
        """End what nobody has a right to any more; returns when that is done."""
        self._news.set()  # the next end may be another one now
        await self._close_consoles()
        await asyncio.gather(*[self._stop(operation, lost, by) for operation, lost in await self._without_rights()])

    async def serve(self) -> None:
        """Until it is cancelled. What is slow to stop holds up nothing else."""
        async with asyncio.TaskGroup() as group:
            while True:
                wait = LOOK
                try:
                    wait = await self._look(group)
                except KadeployError:
                    log.exception("rights cannot be looked at now; trying again in %.0f s", LOOK)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._news.wait()

    async def _look(self, group: asyncio.TaskGroup) -> float:
        """In how many seconds to look again."""
        self._news.clear()
        for right in await self._rights.expire(self._clock.now()):
            log.info("the right of %s on %s, %s has ended", right.user, right.node, right.partition)
        await self._close_consoles()
        for operation, lost in await self._without_rights():
            if operation.id not in self._stopping:
                group.create_task(self._end(operation, lost), name=f"{operation.id} loses its rights")
        ends = [right.until for right in await self._rights.of()]
        return max(0.0, min([LOOK, *(end - self._clock.now() for end in ends)]))

    async def _end(self, operation: Operation, lost: NodeSet) -> None:
        self._stopping.add(operation.id)
        try:
            await self._stop(operation, lost, BY)
        except Exception:
            log.exception("%s cannot be stopped on %s; it will be tried again", operation.id, lost)
        finally:
            self._stopping.discard(operation.id)

    async def _without_rights(self) -> list[tuple[Operation, NodeSet]]:
        """Operations that have not ended, and the nodes of each on which its user has no right."""
        found: list[tuple[Operation, NodeSet]] = []
        for operation_id in (*await self._operations.queued(), *await self._operations.running()):
            with contextlib.suppress(InvalidWorkflow):  # pruned in between
                operation = await self._operations.get(operation_id, even_forgotten=True)
                lost = await self._permission.lacking(operation.user, operation.groups, operation.unfinished)
                if lost and not operation.aborted_by and not operation.state.is_final:
                    found.append((operation, lost))
        return found

    async def _stop(self, operation: Operation, lost: NodeSet, by: str) -> None:
        why = f"{operation.user} has no right on {lost} any more"
        log.info("%s: %s", operation.id, why)
        if lost == operation.unfinished:
            await self._engine.abort(operation.id, by=by, why=why)
        else:
            await self._engine.withdraw(operation.id, lost, by=by, why=why)
        self._waiting_room.look()
