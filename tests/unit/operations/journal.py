"""A journal in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kadeploy.domain.event import Event


class ListJournal:
    """Implements ports.store.Journal; counts how often it was read."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.reads = 0

    async def append(self, events: Sequence[Event]) -> None:
        self.events += events

    async def read(self, operation_id: str, *, after: int = 0, limit: int = 1000) -> Sequence[tuple[int, Event]]:
        self.reads += 1
        found = [
            (number, event)
            for number, event in enumerate(self.events[after:], after + 1)
            if event.operation == operation_id
        ]
        return found[:limit]

    async def read_each(self, after: Mapping[str, int]) -> Sequence[tuple[int, Event]]:
        self.reads += 1
        numbered = enumerate(self.events, 1)
        return [(number, event) for number, event in numbered if number > after.get(event.operation, number)]

    def numbers(self) -> dict[str, int]:
        """Of the last event of each operation."""
        return {event.operation: number for number, event in enumerate(self.events, 1)}
