"""The boards of operations, kept folded so that asking again costs only what is new."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from kadeploy.operations.board import Board
from kadeploy.operations.events import EventLog
from kadeploy.ports.store import Journal

KEPT: Final = 64  # boards; those asked for least recently are folded again when asked for


@dataclass(slots=True)
class _Kept:
    board: Board = field(default_factory=Board)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Boards:
    """Folds the journal; the newest progress of each node comes from the event log."""

    def __init__(self, journal: Journal, events: EventLog) -> None:
        self._journal = journal
        self._events = events
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def of(self, operation_id: str) -> Board:
        """The picture now. It is shared: not to be changed."""
        kept = self._kept.setdefault(operation_id, _Kept())
        self._kept.move_to_end(operation_id)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        async with kept.lock:
            while batch := await self._journal.read(operation_id, after=kept.board.number):
                for number, event in batch:
                    kept.board.apply(event, number)
            for progress in self._events.progress(operation_id).values():
                kept.board.apply(progress)
        return kept.board
