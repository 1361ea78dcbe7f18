"""The site's command at the end of an operation: run beside everything else, once the end is recorded.

That it is due is recorded before the operation begins, and struck out once it has been run: so a server that was killed
in between runs it at its next start, and one that was killed while the command ran may run it a second time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from kadeploy.domain.event import Event, HookEnded, OperationEnded
from kadeploy.domain.state import OperationKind
from kadeploy.operations.events import EventLog
from kadeploy.ports.clock import Clock
from kadeploy.ports.hooks import Ended, Hooks
from kadeploy.ports.store import DueHooks, Journal

AT_ONCE: Final = 8  # commands; many operations may end in the same second

log = logging.getLogger(__name__)


class EndHooks:
    """A listener of the event log. `is_recorded` tells whether there is an operation with an id; `always`: also for
    those that nobody asked for it."""

    def __init__(
        self,
        *,
        hooks: Hooks,
        due: DueHooks,
        is_recorded: Callable[[str], Awaitable[bool]],
        journal: Journal,
        events: EventLog,
        clock: Clock,
        always: bool = False,
    ) -> None:
        self._hooks = hooks
        self._due = due
        self._is_recorded = is_recorded
        self._journal = journal
        self._events = events
        self._clock = clock
        self.always = always
        self._users: dict[str, str] = {}
        self._ended: asyncio.Queue[OperationEnded] = asyncio.Queue()
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def expect(self, operation_id: str, kind: OperationKind, user: str, *, asked: bool) -> None:
        """Before the operation is recorded: its end has a command, if it was asked for and there is one."""
        if self._hooks.has(kind) and (asked or self.always):
            await self._due.add(operation_id, user)
            self._users[operation_id] = user

    async def forget(self, operation_id: str) -> None:
        """The operation did not begin."""
        if self._users.pop(operation_id, None) is not None:
            await self._due.remove(operation_id)

    async def __call__(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, OperationEnded):
                self._ended.put_nowait(event)

    async def serve(self) -> None:
        """Run what is due, for ever; first what an earlier server left."""
        await self._take_up()
        async with asyncio.TaskGroup() as group:
            while True:
                event = await self._ended.get()
                if event.operation in self._users:
                    await self._turns.acquire()
                    group.create_task(self._run(event), name=f"hook of {event.operation}")

    async def _take_up(self) -> None:
        for operation_id, user in (await self._due.all()).items():
            if operation_id in self._users:
                continue
            self._users[operation_id] = user
            ended = await self._end_of(operation_id)
            if ended is not None:
                self._ended.put_nowait(ended)
            elif not await self._is_recorded(operation_id):
                await self.forget(operation_id)

    async def _run(self, event: OperationEnded) -> None:
        try:
            user = self._users.pop(event.operation, None)
            kind = next((kind for kind in OperationKind if event.operation.startswith(kind.prefix)), None)
            if user is None or kind is None:
                return
            error = ""
            if self._hooks.has(kind):
                error = await self._hooks.run(
                    Ended(operation=event.operation, kind=kind, user=user, state=event.state, ok=event.ok, ko=event.ko)
                )
            await self._due.remove(event.operation)
            await self._events.emit(HookEnded(operation=event.operation, at=self._clock.now(), error=error))
        except Exception:
            log.exception("the command at the end of %s could not be run", event.operation)
        finally:
            self._turns.release()

    async def _end_of(self, operation_id: str) -> OperationEnded | None:
        seen = 0
        while batch := await self._journal.read(operation_id, after=seen):
            for _, event in batch:
                if isinstance(event, OperationEnded):
                    return event
            seen = batch[-1][0]
        return None
