"""A cast as `kacast` does it, watched while it runs and told at its end. Loaded when there is one: SSH takes long."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from kadeploy.broadcast.account import remarks
from kadeploy.cast.cast import Board, cast
from kadeploy.cast.display import shown
from kadeploy.cast.wanted import Cast
from kadeploy.domain.nodeset import NodeSet

SOME_FAILED, ALL_FAILED = 2, 1
MB = 1_000_000


def perform(wanted: Cast, ok_file: Path | None, ko_file: Path | None) -> int:
    """The exit code. Raises KadeployError, OSError."""
    board, console = Board(), Console(stderr=True, highlight=False, soft_wrap=True)
    asyncio.run(_shown_cast(wanted, board, console))
    _tell(board, console)
    for path, names in ((ok_file, board.well), (ko_file, board.reasons)):
        if path is not None:
            path.write_text("".join(f"{name}\n" for name in NodeSet(names)))
    return 0 if not board.reasons else SOME_FAILED if board.well else ALL_FAILED


async def _shown_cast(wanted: Cast, board: Board, console: Console) -> None:
    async with shown(board, console, len(wanted.hosts)):
        await cast(wanted, board)


def _tell(board: Board, console: Console) -> None:
    if well := NodeSet(board.well):
        seconds = max(board.outcomes[name].written_after or 0.0 for name in well)
        rate = board.size / MB / max(0.001, seconds)
        have = "host has" if len(well) == 1 else "hosts have"
        console.print(
            f"{len(well)} {have} it: {well}, {board.size / MB:.1f} MB in {seconds:.1f} s ({rate:.0f} MB/s each)"
        )
    for name, outcome in sorted(board.outcomes.items()):
        for line in remarks(outcome):
            console.print(f"{name}: {line}", markup=False)
    for why, names in _by_reason(board.reasons).items():
        console.print(f"{names}: {why}", style="red", markup=False)


def _by_reason(reasons: Mapping[str, str]) -> dict[str, NodeSet]:
    """Whole racks fail alike."""
    whys = dict.fromkeys(reasons[name] for name in NodeSet(reasons))
    return {why: NodeSet(name for name, one in reasons.items() if one == why) for why in whys}
