"""Logs as Kadeploy3's tools read them: each read gives what is new and consumes it.

Where each reader is lives in memory; after a restart the tools are told everything again. Whoever wants to share or
to resume follows the events instead.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from kadeploy.domain.operation import Operation
from kadeploy.operations.log_lines import LogLines
from kadeploy.ports.store import Journal

VERBOSITY: Final = 3  # the level of operations that asked for none
KEPT: Final = 1000  # readers


@dataclass(slots=True)
class _Reader:
    lines: LogLines
    number: int = 0
    waiting: list[str] = field(default_factory=list)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Logs:
    """One reader for an operation, and one for each of its clusters that is asked for apart."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._verbosity: dict[str, int] = {}
        self._readers: OrderedDict[tuple[str, str], _Reader] = OrderedDict()

    def set_verbosity(self, operation_id: str, level: int) -> None:
        self._verbosity[operation_id] = level

    async def has_news(self, operation: Operation) -> bool:
        return bool((await self._read(operation, "")).waiting)

    async def take(self, operation: Operation, cluster: str = "") -> str:
        """The lines since the last call, and never again."""
        reader = await self._read(operation, cluster)
        text = "".join(reader.waiting)
        reader.waiting.clear()
        return text

    def forget(self, operation_id: str) -> None:
        self._verbosity.pop(operation_id, None)
        for key in [key for key in self._readers if key[0] == operation_id]:
            del self._readers[key]

    async def _read(self, operation: Operation, cluster: str) -> _Reader:
        key = (operation.id, cluster)
        if key not in self._readers:
            verbosity = self._verbosity.get(operation.id, VERBOSITY)
            self._readers[key] = _Reader(LogLines(operation.kind, verbosity, cluster))
        reader = self._readers[key]
        self._readers.move_to_end(key)
        while len(self._readers) > KEPT:
            self._readers.popitem(last=False)
        async with reader.lock:
            while batch := await self._journal.read(operation.id, after=reader.number):
                for number, event in batch:
                    reader.waiting += reader.lines.lines(event)
                    reader.number = number
        return reader
