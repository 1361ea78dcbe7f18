"""An operation as it stands, for those who poll it: a thousand tools ask every second, and it hardly ever changes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from kadeploy.api.operation_view import Nodes, Unread, long_view, nodes_view
from kadeploy.domain.operation import Operation
from kadeploy.domain.state import OperationKind
from kadeploy.operations.assemble import UseCases
from kadeploy.operations.shared_reads import SharedReads
from kadeploy.ports.store import Version

KEPT: Final = 64  # operations; those asked for least recently are read again when asked for


@dataclass(frozen=True, slots=True)
class Reading:
    """What is shown of it to its owner, and whether it is said to be done."""

    operation: Operation
    done: bool
    view: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Kept:
    version: Version
    operation: Operation
    done: bool
    nodes: Nodes


class Readings:
    """Those who ask at the same time share a reading; what does not change between two of them is kept."""

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

    async def _read(self, operation_id: str) -> Reading:
        version = await self._running.version(self._kind, operation_id)
        kept = self._kept.get(operation_id)
        if kept is not None and kept.version == version:
            self._kept.move_to_end(operation_id)
            return await self._shown(kept, last=version.number)
        # What is read last may have more in it than what is read first, and never the other way round.
        operation = await self._running.find(self._kind, operation_id)
        done = await self._running.is_done(operation)
        board = await self._boards.of(operation_id)
        kept = _Kept(version, operation, done, nodes_view(operation, board, done=done))
        if board.number == version.number and operation.state is version.state and done == operation.state.is_final:
            self._kept[operation_id] = kept
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return await self._shown(kept, last=None)

    async def _shown(self, kept: _Kept, *, last: int | None) -> Reading:
        """`last` is the number of the journal's last event, where that is sure."""
        operation, done = kept.operation, kept.done
        unread = Unread(
            await self._logs.has_news(operation, last=last), await self._logs.has_traces(operation, last=last)
        )
        view = long_view(operation, kept.nodes, done=done, unread=unread, now=self._clock.now())
        return Reading(operation, done, view)
