"""Logs and traces as Kadeploy3's tools read them: each read gives what is new and consumes it.

Where each reader is lives in memory; after a restart the tools are told everything again. Whoever wants to share or
to resume follows the events instead.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from kadeploy.domain.operation import Head
from kadeploy.operations.debug_lines import DebugLines
from kadeploy.operations.log_lines import LogLines
from kadeploy.operations.shared_reads import SharedReads
from kadeploy.ports.store import BATCH, Journal

VERBOSITY: Final = 3  # the level of operations that asked for none
KEPT: Final = 1000  # readers


@dataclass(slots=True)
class _Reader:
    lines: LogLines | DebugLines
    number: int = 0
    waiting: list[str] = field(default_factory=list)


class Logs:
    """One reader for an operation, and one for each of its clusters that is asked for apart; as many for traces, which
    are told of operations that were begun with `debug` only."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._verbosity: dict[str, int] = {}
        self._debugged: set[str] = set()
        self._readers: OrderedDict[tuple[str, str, str], _Reader] = OrderedDict()
        self._fills: SharedReads[None] = SharedReads()

    def begin(self, operation_id: str, *, verbosity: int, debug: bool) -> None:
        """How much is told of it."""
        self._verbosity[operation_id] = verbosity
        if debug:
            self._debugged.add(operation_id)

    async def has_news(self, operation: Head, *, last: int | None = None) -> bool:
        """`last`: the number of the journal's last event, where that is known."""
        return bool((await self._read(operation, "log", "", last)).waiting)

    async def has_traces(self, operation: Head, *, last: int | None = None) -> bool:
        return operation.id in self._debugged and bool((await self._read(operation, "debug", "", last)).waiting)

    def may_have_news(self, operation: Head, *, last: int) -> bool:
        """Without a look at the journal: there are events that may be worth a line."""
        return self._is_behind(operation, "log", last)

    def may_have_traces(self, operation: Head, *, last: int) -> bool:
        return operation.id in self._debugged and self._is_behind(operation, "debug", last)

    async def take(self, operation: Head, cluster: str = "") -> str:
        """The lines since the last call, and never again."""
        return _taken(await self._read(operation, "log", cluster))

    async def take_traces(self, operation: Head, node: str = "") -> str:
        """The same of traces, of all nodes or of one."""
        return _taken(await self._read(operation, "debug", node)) if operation.id in self._debugged else ""

    def forget(self, operation_id: str) -> None:
        self._verbosity.pop(operation_id, None)
        self._debugged.discard(operation_id)
        for key in [key for key in self._readers if key[0] == operation_id]:
            del self._readers[key]

    def _is_behind(self, operation: Head, what: str, last: int) -> bool:
        reader = self._readers.get((operation.id, what, ""))
        return reader is None or bool(reader.waiting) or reader.number < last

    async def _read(self, operation: Head, what: str, only: str, last: int | None = None) -> _Reader:
        key = (operation.id, what, only)
        if key not in self._readers:
            verbosity = self._verbosity.get(operation.id, VERBOSITY)
            lines = DebugLines(only) if what == "debug" else LogLines(operation.kind, verbosity, only)
            self._readers[key] = _Reader(lines)
        reader = self._readers[key]
        self._readers.move_to_end(key)
        while len(self._readers) > KEPT:
            self._readers.popitem(last=False)
        if last is not None and reader.number >= last:
            return reader
        await self._fills.of("/".join(key), lambda: self._fill(operation.id, reader))
        return reader

    async def _fill(self, operation_id: str, reader: _Reader) -> None:
        is_more = True
        while is_more:
            batch = await self._journal.read(operation_id, after=reader.number)
            for number, event in batch:
                reader.waiting += reader.lines.lines(event)
                reader.number = number
            is_more = len(batch) == BATCH


def _taken(reader: _Reader) -> str:
    text = "".join(reader.waiting)
    reader.waiting.clear()
    return text
