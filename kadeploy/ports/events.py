"""Events: where the engine reports facts, and where people follow them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from kadeploy.domain.event import Event, NodeProgress


class Events(Protocol):
    async def emit(self, *events: Event) -> None:
        """Write to the journal, then tell whoever follows and listens."""
        ...

    async def announce(self, *events: Event) -> None:
        """Tell whoever follows and listens of events that are in the journal already."""
        ...

    def show(self, progress: NodeProgress) -> None:
        """Tell whoever follows now; kept nowhere."""
        ...

    def follow(self, operation_id: str, *, after: int = 0) -> AsyncIterator[tuple[int, Event]]:
        """Every event of the operation above number `after`, then new ones as they come; ends with the operation.

        Progress comes with the number of the last journalled event before it.
        """
        ...
