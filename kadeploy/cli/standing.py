"""How an operation stands, as some lines: who is in which step, who is OK and who is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from kadeploy.cli.display import Board
from kadeploy.cli.rows import Row, rows
from kadeploy.cli.units import clock, percent

MOST: Final = 30  # lines


def in_all(expected: tuple[float, float] | None) -> str:
    """How long it takes for half of the nodes at most, and for nine of ten, as the end of a sentence."""
    return f", usually over in {clock(expected[0])}, mostly in {clock(expected[1])}" if expected else ""


def standing(board: Board, now: float) -> Iterator[str]:
    """`now` is the server's time in seconds since the epoch."""
    began = board.started if board.started is not None else now
    left = board.left(now)
    yield f"After {clock(max(now - began, 0.0))}{f', {left}' if left else ''}:"
    shown, hidden = rows(board, MOST)
    yield from (f"  {_line(row)}" for row in shown)
    if hidden:
        yield f"  and {hidden} more"


def _line(row: Row) -> str:
    place = f" in {row.macro}-{row.micro}" if row.micro else ""
    cluster = f" of {row.cluster}" if row.cluster else ""
    told = f", {percent(row.done, row.total)} %" if row.total else ""
    reason = f": {' '.join(row.reason.split())}" if row.reason else ""
    return f"{row.state.upper()} {row.nodes}{cluster}{place}{told}{reason}"
