"""The event log and boot times in memory, for scenario tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

from kadeploy.domain.boot_times import Way, worth_keeping
from kadeploy.domain.event import Event, NodeProgress, OperationEnded


class MemoryBootTimes:
    """Implements ports.store.BootTimes."""

    def __init__(self) -> None:
        self.waits: dict[tuple[str, Way], list[float]] = {}

    async def record(self, cluster: str, way: Way, seconds: Mapping[str, float], *, at: float) -> None:
        self.waits.setdefault((cluster, way), []).extend(worth_keeping([*seconds.values()]))

    async def recent(self, cluster: str, way: Way) -> Sequence[float]:
        return self.waits.get((cluster, way), [])


class MemoryEvents:
    """Implements ports.events.Events by keeping a list."""

    def __init__(self) -> None:
        self.all: list[Event] = []
        self.listeners: list[Callable[[Sequence[Event]], Awaitable[None]]] = []
        self._news = asyncio.Condition()

    async def emit(self, *events: Event) -> None:
        self.all += events
        await self.announce(*events)

    async def announce(self, *events: Event) -> None:
        """Those who follow find them in the list."""
        for listener in self.listeners:
            await listener(events)
        async with self._news:
            self._news.notify_all()

    def show(self, progress: NodeProgress) -> None:
        """Progress is not kept."""

    async def follow(self, operation_id: str, *, after: int = 0) -> AsyncIterator[tuple[int, Event]]:
        number = after
        while True:
            async with self._news:
                while len(self.all) <= number:
                    await self._news.wait()
            event = self.all[number]
            number += 1
            if event.operation == operation_id:
                yield number, event
                if isinstance(event, OperationEnded):
                    return
