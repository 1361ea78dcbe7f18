"""The boards of operations, kept folded so that asking again costs only what is new."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Final

from kadeploy.domain.event import Event
from kadeploy.operations.board import Board
from kadeploy.operations.events import EventLog
from kadeploy.operations.recent import Recent
from kadeploy.operations.shared_reads import SharedReads
from kadeploy.ports.store import BATCH, Journal

KEPT: Final = 200_000  # nodes and visits of steps, in all boards that are kept


class Boards:
    """Folds the journal; the newest progress of each node comes from the event log."""

    def __init__(self, journal: Journal, events: EventLog) -> None:
        self._journal = journal
        self._events = events
        self._kept: Recent[Board] = Recent(KEPT)
        self._folds: SharedReads[Board] = SharedReads()

    async def of(self, operation_id: str) -> Board:
        """The picture now. It is shared: not to be changed."""
        board = await self._folds.of(operation_id, partial(self._fold, operation_id))
        for progress in self._events.progress(operation_id).values():
            board.apply(progress)
        return board

    async def reaching(self, numbers: Mapping[str, int]) -> Mapping[str, Board]:
        """The boards of operations with these events in them, and perhaps without the newest of nodes' progress."""
        boards = {name: self._kept.get(name) or Board() for name in numbers}
        late = {name: board.number for name, board in boards.items() if board.number < numbers[name]}
        for name in [name for name, number in late.items() if number == 0]:  # of these there is much to read
            boards[name] = await self._folds.of(name, partial(self._fold, name))
            del late[name]
        if late:
            _apply(await self._journal.read_each(late), boards)
        for name in late:
            self._keep(name, boards[name])
        return boards

    async def _fold(self, operation_id: str) -> Board:
        board = self._kept.get(operation_id) or Board()
        is_more = True
        while is_more:
            batch = await self._journal.read(operation_id, after=board.number)
            _apply(batch, {operation_id: board})
            is_more = len(batch) == BATCH
        self._keep(operation_id, board)
        return board

    def _keep(self, operation_id: str, board: Board) -> None:
        self._kept.put(operation_id, board, len(board.nodes) + len(board.steps))


def _apply(events: Iterable[tuple[int, Event]], boards: Mapping[str, Board]) -> None:
    """Others may have read the same meanwhile."""
    for number, event in events:
        board = boards[event.operation]
        if number > board.number:
            board.apply(event, number)
