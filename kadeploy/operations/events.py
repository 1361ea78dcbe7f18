"""`EventLog`: what the engine reports goes to the journal, then to listeners, then to whoever follows.

A follower reads the journal from where it is, so it can be as slow as it likes: nothing is queued for it but the
newest progress of each node, and the engine never waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from kadeploy.domain.event import Event, HookEnded, NodeProgress, OperationEnded
from kadeploy.operations.shared_reads import SharedReads
from kadeploy.ports.store import Journal

Listener = Callable[[Sequence[Event]], Awaitable[None]]

POLL: Final = 2.0  # seconds; another server on the same database may be writing the journal
REFRESH: Final = 0.25  # seconds between two looks at the progress

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Follower:
    news: asyncio.Event = field(default_factory=asyncio.Event)
    progress: dict[str, NodeProgress] = field(default_factory=dict)

    def take_progress(self) -> Sequence[NodeProgress]:
        taken = tuple(self.progress.values())
        self.progress.clear()
        return taken


class EventLog:
    """Implements ports.events.Events."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._listeners: list[Listener] = []
        self._followers: dict[str, set[_Follower]] = {}
        self._progress: dict[str, dict[str, NodeProgress]] = {}
        self._reads: SharedReads[Sequence[tuple[int, Event]]] = SharedReads()
        self._ends: SharedReads[bool] = SharedReads()

    def listen(self, listener: Listener) -> None:
        """Call it with every batch of events, once they are in the journal; the engine waits for it."""
        self._listeners.append(listener)

    async def emit(self, *events: Event) -> None:
        await self._journal.append(events)
        await self.announce(*events)

    async def announce(self, *events: Event) -> None:
        for listener in self._listeners:
            try:
                await listener(events)
            except Exception:
                log.exception("a listener failed; the operation goes on")
        for operation in {event.operation for event in events}:
            for follower in self._followers.get(operation, ()):
                follower.news.set()
        for event in events:
            if isinstance(event, OperationEnded):
                self._progress.pop(event.operation, None)

    def show(self, progress: NodeProgress) -> None:
        self._progress.setdefault(progress.operation, {})[progress.node] = progress
        for follower in self._followers.get(progress.operation, ()):
            follower.progress[progress.node] = progress

    def progress(self, operation_id: str) -> Mapping[str, NodeProgress]:
        """The newest progress of each node."""
        return self._progress.get(operation_id, {})

    async def follow(self, operation_id: str, *, after: int = 0) -> AsyncGenerator[tuple[int, Event], None]:
        if await self._ends.of(f"{operation_id} {after}", partial(self._is_over, operation_id, after)):
            return
        follower = _Follower()
        self._followers.setdefault(operation_id, set()).add(follower)
        try:
            number = after
            while True:
                follower.news.clear()
                for reached, event in await self._read(operation_id, number):
                    number = reached
                    yield number, event
                    if isinstance(event, OperationEnded):
                        return
                    follower.news.set()  # there may be more than one read gives
                async for progress in _until_news(follower):
                    yield number, progress
        finally:
            self._leave(operation_id, follower)

    async def _read(self, operation_id: str, after: int) -> Sequence[tuple[int, Event]]:
        """Most who follow an operation have come equally far, and all hear of news at once."""
        return await self._reads.of(f"{operation_id} {after}", partial(self._journal.read, operation_id, after=after))

    async def _is_over(self, operation_id: str, after: int) -> bool:
        """Whether nothing will ever come above `after`."""
        above = await self._journal.read(operation_id, after=after, limit=1)
        if any(not isinstance(event, HookEnded) for _, event in above):
            return False
        seen = 0
        while batch := await self._journal.read(operation_id, after=seen):
            if any(isinstance(event, OperationEnded) for _, event in batch):
                return True
            seen = batch[-1][0]
        return False

    def _leave(self, operation_id: str, follower: _Follower) -> None:
        followers = self._followers[operation_id]
        followers.discard(follower)
        if not followers:
            del self._followers[operation_id]


async def _until_news(follower: _Follower) -> AsyncIterator[NodeProgress]:
    """Yield progress until there may be something in the journal."""
    now = asyncio.get_running_loop().time
    give_up = now() + POLL
    while not follower.news.is_set() and now() < give_up:
        for progress in follower.take_progress():
            yield progress
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REFRESH):
                await follower.news.wait()
