"""A journal in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kadeploy.domain.event import Event


class ListJournal:
    """Implements ports.store.Journal."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def append(self, events: Sequence[Event]) -> None:
        self.events += events

    async def read(self, operation_id: str, *, after: int = 0, limit: int = 1000) -> Sequence[tuple[int, Event]]:
        found = [
            (number, event)
            for number, event in enumerate(self.events[after:], after + 1)
            if event.operation == operation_id
        ]
        return found[:limit]

    async def read_each(self, after: Mapping[str, int]) -> Sequence[tuple[int, Event]]:
        numbered = enumerate(self.events, 1)
        return [(number, event) for number, event in numbered if number > after.get(event.operation, number)]
