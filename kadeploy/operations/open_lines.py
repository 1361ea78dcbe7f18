"""The lines to nodes' consoles that are open now: one a node, for as long as anybody attends it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from kadeploy.errors import Unavailable
from kadeploy.operations.console_line import Listener, SharedLine, Write
from kadeploy.ports.console import Consoles as Lines

KeepOf = Callable[[str], Write]
Ended = Callable[[SharedLine, str], None]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    line: SharedLine
    task: asyncio.Task[None]


class OpenLines:
    """`keep_of` gives what a node's output is written to for later. `ended` is told why a line ended by itself."""

    def __init__(self, lines: Lines, *, scrollback: int, keep_of: KeepOf, ended: Ended) -> None:
        self._lines = lines
        self.scrollback = scrollback
        self._keep_of = keep_of
        self._ended = ended
        self._open: dict[str, _Open] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._group: asyncio.TaskGroup | None = None

    async def attend(self, node: str) -> tuple[SharedLine, Listener]:
        """The line, and what is heard on it from now on; opened if it is not.

        Raises Unavailable, and CommandFailed when there is no getting there.
        """
        async with self._turns.setdefault(node, asyncio.Lock()):
            known = self._open.get(node)
            if known is not None and not known.line.is_over and known.line.is_attended:
                return known.line, known.line.listen()
            if known is not None:
                # It is being closed, and a BMC has one console session only.
                await asyncio.wait({known.task})
            group = self._group
            if group is None:
                raise Unavailable("consoles cannot be opened: the server starts or stops")
            line = SharedLine(await self._lines.open(node), scrollback=self.scrollback, keep=self._keep_of(node))
            if self._group is not group:
                await line.abandon()
                raise Unavailable("the server is stopping")
            listener = line.listen()
            task = group.create_task(self._carry(node, line), name=f"console of {node}")
            self._open[node] = _Open(line=line, task=task)
            return line, listener

    def leave(self, node: str, line: SharedLine, listener: Listener) -> None:
        """Who is the last to leave closes the line."""
        line.leave(listener)
        known = self._open.get(node)
        if known is not None and known.line is line and not line.is_attended:
            known.task.cancel()

    async def serve(self) -> None:
        """Until it is cancelled; then every line is closed."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                await asyncio.get_running_loop().create_future()
            finally:
                self._group = None

    async def _carry(self, node: str, line: SharedLine) -> None:
        try:
            why = await line.carry()
        except Exception as error:
            log.exception("the console of %s is lost", node)
            why = f"it is lost: {error}"
        finally:
            del self._open[node]
        self._ended(line, why)
