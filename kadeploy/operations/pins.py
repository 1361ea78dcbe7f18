"""Lets go of an operation's files when it has ended."""

from __future__ import annotations

from collections.abc import Sequence

from kadeploy.domain.event import Event, OperationEnded
from kadeploy.ports.files import Files


class PinRelease:
    """A listener of the event log."""

    def __init__(self, files: Files) -> None:
        self._files = files

    async def __call__(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, OperationEnded):
                await self._files.release(event.operation)
