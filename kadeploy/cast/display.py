"""How a cast looks while it runs: one bar for all, the slowest hosts, and what is waited for."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from kadeploy.broadcast.bottleneck import bottleneck
from kadeploy.broadcast.order import MOVED
from kadeploy.broadcast.reception import Progress
from kadeploy.cast.cast import Board

SHOWN = 8  # hosts
MB = 1e6


@contextlib.asynccontextmanager
async def shown(board: Board, console: Console, hosts: int) -> AsyncIterator[None]:
    """Twice a second, while this lasts; nothing where nobody looks."""
    if not console.is_terminal:
        yield
        return
    began = time.monotonic()
    with Live(console=console, auto_refresh=False, transient=True) as live:

        async def refresh() -> None:
            while True:
                live.update(view(board, hosts, time.monotonic() - began), refresh=True)
                await asyncio.sleep(0.5)

        task = asyncio.create_task(refresh())
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def view(board: Board, hosts: int, elapsed: float) -> RenderableType:
    if not board.progress:
        return Text(f"logging in: {board.logged_in} of {hosts} hosts, {len(board.lost)} lost, {elapsed:.0f} s")
    written = sum(progress.written for progress in board.progress.values())
    rate = sum(progress.rate for progress in board.progress.values()) / len(board.progress)
    waits_for = bottleneck(board.progress, board.size)
    through = sum(outcome.ok for outcome in board.outcomes.values())
    line = f"{through} of {hosts} hosts, {rate / MB:.0f} MB/s each, {elapsed:.0f} s"
    if waits_for:
        line += f"; slowest: {waits_for}"
    if failed := len(board.reasons):
        line += f"; {failed} failed"
    return Group(ProgressBar(total=max(1, board.size * hosts), completed=written), Text(line), _slowest(board))


def _slowest(board: Board) -> Table:
    table = Table("host", "from", "received", "verified", "written", "MB/s", box=None, header_style="dim")
    unfinished = {name: one for name, one in board.progress.items() if one.written < board.size}
    for name in sorted(unfinished, key=lambda name: unfinished[name].written)[:SHOWN]:
        table.add_row(*_row(name, unfinished[name], max(1, board.size)))
    return table


def _row(name: str, one: Progress, size: int) -> tuple[str, ...]:
    moved = " (at the end)" if one.rank >= MOVED else ""
    shares = (f"{count / size:.0%}" for count in (one.received, one.verified, one.written))
    return name, one.source + moved, *shares, f"{one.rate / MB:.0f}"
