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
        kept = self._of(operation_id)
        async with kept.lock:
            await self._fold(operation_id, kept.board)
            for progress in self._events.progress(operation_id).values():
                kept.board.apply(progress)
        return kept.board

    async def reaching(self, operation_id: str, number: int) -> Board:
        """The same with that event in it, and perhaps without the newest of nodes' progress."""
        kept = self._of(operation_id)
        async with kept.lock:
            if kept.board.number < number:
                await self._fold(operation_id, kept.board)
        return kept.board

    def _of(self, operation_id: str) -> _Kept:
        kept = self._kept.setdefault(operation_id, _Kept())
        self._kept.move_to_end(operation_id)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return kept

    async def _fold(self, operation_id: str, board: Board) -> None:
        while batch := await self._journal.read(operation_id, after=board.number):
            for number, event in batch:
                board.apply(event, number)
