"""How a cast looks while it runs: one bar for all, the slowest hosts, and what is waited for."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from kadeploy.broadcast.bottleneck import bottleneck
from kadeploy.broadcast.order import MOVED
from kadeploy.broadcast.reception import Progress
from kadeploy.cast.cast import Board

SHOWN = 8  # hosts
OFTEN, SELDOM = 0.5, 10.0  # seconds between two views, or two lines
MB = 1e6


@contextlib.asynccontextmanager
async def shown(board: Board, console: Console, hosts: int) -> AsyncIterator[None]:
    """Twice a second at a terminal, while this lasts; anywhere else a line now and then."""
    began = time.monotonic()
    if not console.is_terminal:
        async with _meanwhile(
            SELDOM, lambda: console.print(headline(board, hosts, time.monotonic() - began), markup=False)
        ):
            yield
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        async with _meanwhile(OFTEN, lambda: live.update(view(board, hosts, time.monotonic() - began), refresh=True)):
            yield


@contextlib.asynccontextmanager
async def _meanwhile(pause: float, tell: Callable[[], None]) -> AsyncIterator[None]:
    async def go_on() -> None:
        while True:
            await asyncio.sleep(pause)
            tell()

    task = asyncio.create_task(go_on())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def view(board: Board, hosts: int, elapsed: float) -> RenderableType:
    said = Text(headline(board, hosts, elapsed))
    if not board.progress:
        return said
    written = sum(progress.written for progress in board.progress.values())
    bar = ProgressBar(total=max(1, board.size * hosts), completed=written)
    return Group(Padding(bar, 0), said, _slowest(board))  # a bar does not end its line itself


def headline(board: Board, hosts: int, elapsed: float) -> str:
    """How it stands, in a line."""
    if not board.progress:
        return f"logging in: {board.logged_in} of {hosts} hosts, {len(board.lost)} lost, {elapsed:.0f} s"
    rate = sum(progress.rate for progress in board.progress.values()) / len(board.progress)
    waits_for = bottleneck(board.progress, board.size)
    through = sum(outcome.ok for outcome in board.outcomes.values())
    line = f"{through} of {hosts} hosts, {rate / MB:.0f} MB/s each, {elapsed:.0f} s"
    if waits_for:
        line += f"; slowest: {waits_for}"
    if failed := len(board.reasons):
        line += f"; {failed} failed"
    return line


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
