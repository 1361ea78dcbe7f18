"""Operations as they stand, for those who poll them: a thousand tools ask every second, and one hardly ever changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from kadeploy.api.operation_view import Nodes, Unread, is_done, long_view, nodes_at_the_end, nodes_now
from kadeploy.domain.operation import Head
from kadeploy.domain.state import OperationKind
from kadeploy.errors import InvalidWorkflow
from kadeploy.operations.assemble import UseCases
from kadeploy.operations.shared_reads import SharedReads
from kadeploy.ports.store import Glimpse

KEPT: Final = 64  # operations; those asked for least recently are read again when asked for


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
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def of(self, operation_id: str) -> Reading:
        """Raises InvalidWorkflow."""
        return await self._shared.of(operation_id, lambda: self._read(operation_id))

    async def listed(self) -> Sequence[Reading]:
        """Of those that have ended there are no news: to tell hundreds of their logs would take too long."""
        readings = []
        for glimpse in await self._running.listed(self._kind):
            with suppress(InvalidWorkflow):  # it has just been forgotten
                kept = await self._known(glimpse)
                unread = Unread() if glimpse.head.state.is_final else await self._unread(glimpse)
                readings.append(self._shown(kept, unread))
        return readings

    async def _read(self, operation_id: str) -> Reading:
        glimpse = await self._running.glimpse(self._kind, operation_id)
        return self._shown(await self._known(glimpse), await self._unread(glimpse))

    async def _known(self, glimpse: Glimpse) -> _Kept:
        kept = self._kept.get(glimpse.head.id)
        if kept is None or kept.glimpse != glimpse:
            kept = self._kept[glimpse.head.id] = await self._anew(glimpse, kept)
        self._kept.move_to_end(glimpse.head.id)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return kept

    async def _anew(self, glimpse: Glimpse, kept: _Kept | None) -> _Kept:
        head = glimpse.head
        if head.state.is_final:
            operation = await self._running.find(self._kind, head.id)
            names = tuple(operation.nodes) if kept is None else kept.names
            return _Kept(glimpse, names, nodes_at_the_end(operation), glimpse.number)
        board = await self._boards.reaching(head.id, glimpse.number)
        if kept is None:
            names = tuple((await self._running.find(self._kind, head.id)).nodes)
        elif kept.settled == board.settled:
            return _Kept(glimpse, kept.names, kept.nodes, kept.settled)
        else:
            names = kept.names
        return _Kept(glimpse, names, nodes_now(names, board), board.settled)

    async def _unread(self, glimpse: Glimpse) -> Unread:
        log = await self._logs.has_news(glimpse.head, last=glimpse.number)
        return Unread(log, await self._logs.has_traces(glimpse.head, last=glimpse.number))

    def _shown(self, kept: _Kept, unread: Unread) -> Reading:
        head = kept.glimpse.head
        view = long_view(head, kept.nodes, unread=unread, now=self._clock.now())
        return Reading(head, kept.names, is_done(head, kept.nodes), view)
