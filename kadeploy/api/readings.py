"""Operations as they stand, for those who poll them: a thousand tools ask every second, and one hardly ever changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from kadeploy.api.operation_view import Nodes, Unread, is_done, long_view, nodes_at_the_end, nodes_now
from kadeploy.domain.operation import Head
from kadeploy.domain.state import OperationKind
from kadeploy.errors import InvalidWorkflow
from kadeploy.operations.assemble import UseCases
from kadeploy.operations.board import Board
from kadeploy.operations.recent import Recent
from kadeploy.operations.shared_reads import SharedReads
from kadeploy.ports.store import Glimpse

KEPT: Final = 200_000  # nodes of operations; those asked for least recently are read again when asked for


@dataclass(frozen=True, slots=True)
class Reading:
    """What is shown of it to its owner, and to others its nodes, in their order, and whether it is said to be done."""

    head: Head
    names: Sequence[str]
    done: bool
    view: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Kept:
    """`settled` is the number of the last event that is in `nodes`."""

    glimpse: Glimpse
    names: Sequence[str]
    nodes: Nodes
    settled: int


class Readings:
    """Those who ask at the same time share a reading; what does not change between two of them is kept. All nodes are
    read once, and again at the end: what becomes of them between is told by the events."""

    def __init__(self, kind: OperationKind, use_cases: UseCases) -> None:
        self._kind = kind
        self._running = use_cases.running
        self._boards = use_cases.boards
        self._logs = use_cases.logs
        self._clock = use_cases.clock
        self._shared: SharedReads[Reading] = SharedReads()
        self._lists: SharedReads[Sequence[Reading]] = SharedReads()
        self._kept: Recent[_Kept] = Recent(KEPT)

    async def of(self, operation_id: str) -> Reading:
        """Raises InvalidWorkflow."""
        return await self._shared.of(operation_id, lambda: self._read(operation_id))

    async def listed(self) -> Sequence[Reading]:
        """Of their logs these tell only whether something may be new: each of hundreds would have to be read."""
        return await self._lists.of("", self._list)

    async def _list(self) -> Sequence[Reading]:
        glimpses = await self._running.listed(self._kind)
        known = await self._known(glimpses)
        return [
            self._shown(known[glimpse.head.id], self._perhaps_unread(glimpse))
            for glimpse in glimpses
            if glimpse.head.id in known
        ]

    async def _read(self, operation_id: str) -> Reading:
        glimpse = await self._running.glimpse(self._kind, operation_id)
        known = await self._known([glimpse])
        if operation_id not in known:
            raise InvalidWorkflow(f"there is no {self._kind} {operation_id!r}")
        return self._shown(known[operation_id], await self._unread(glimpse))

    async def _known(self, glimpses: Sequence[Glimpse]) -> Mapping[str, _Kept]:
        """Those left out have just been forgotten."""
        before = {glimpse.head.id: self._kept.get(glimpse.head.id) for glimpse in glimpses}
        known = {name: kept for name, kept in before.items() if kept is not None}
        changed = [glimpse for glimpse in glimpses if _changed(glimpse, known.get(glimpse.head.id))]
        boards = await self._boards.reaching(
            {glimpse.head.id: glimpse.number for glimpse in changed if not glimpse.head.state.is_final}
        )
        for glimpse in changed:
            name = glimpse.head.id
            kept = known.pop(name, None)
            with suppress(InvalidWorkflow):
                known[name] = await self._anew(glimpse, kept, boards.get(name))
                self._kept.put(name, known[name], len(known[name].names))
        return known

    async def _anew(self, glimpse: Glimpse, kept: _Kept | None, board: Board | None) -> _Kept:
        """`board` is None when it has ended."""
        if board is None:
            operation = await self._running.find(self._kind, glimpse.head.id)
            names = tuple(operation.nodes) if kept is None else kept.names
            return _Kept(glimpse, names, nodes_at_the_end(operation), glimpse.number)
        if kept is not None and kept.settled == board.settled:
            return replace(kept, glimpse=glimpse)
        names = tuple((await self._running.find(self._kind, glimpse.head.id)).nodes) if kept is None else kept.names
        return _Kept(glimpse, names, nodes_now(names, board), board.settled)

    async def _unread(self, glimpse: Glimpse) -> Unread:
        log = await self._logs.has_news(glimpse.head, last=glimpse.number)
        return Unread(log, await self._logs.has_traces(glimpse.head, last=glimpse.number))

    def _perhaps_unread(self, glimpse: Glimpse) -> Unread:
        """Of those that have ended nothing is: the tools that read them have gone."""
        if glimpse.head.state.is_final:
            return Unread()
        log = self._logs.may_have_news(glimpse.head, last=glimpse.number)
        return Unread(log, self._logs.may_have_traces(glimpse.head, last=glimpse.number))

    def _shown(self, kept: _Kept, unread: Unread) -> Reading:
        head = kept.glimpse.head
        view = long_view(head, kept.nodes, unread=unread, now=self._clock.now())
        return Reading(head, kept.names, is_done(head, kept.nodes), view)


def _changed(glimpse: Glimpse, kept: _Kept | None) -> bool:
    return kept is None or kept.glimpse != glimpse
