"""A cast as `kacast` does it, watched while it runs and told at its end. Loaded when there is one: SSH takes long."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console

from kadeploy.broadcast.account import remarks
from kadeploy.cast.cast import Board, cast
from kadeploy.cast.display import shown
from kadeploy.cast.wanted import Cast, Lists
from kadeploy.domain.nodeset import NodeSet

SOME_FAILED, ALL_FAILED = 2, 1
MB = 1_000_000
REMEDIES: Final[Mapping[str, str]] = {
    "is a directory": "with a slash at its end the file keeps its name there",
    "is a block device, and no file": "--device overwrites it",
}


def perform(wanted: Cast, lists: Lists, *, as_json: bool = False) -> int:
    """The exit code. Raises KadeployError, OSError."""
    board, console = Board(), Console(stderr=True, highlight=False, soft_wrap=True)
    for path in filter(None, (lists.ok, lists.ko)):
        path.open("a").close()  # what cannot be written is told before, and not after
    try:
        asyncio.run(_shown_cast(wanted, board, console))
    except KeyboardInterrupt:
        board.lost |= {name: "interrupted" for name in wanted.hosts if name not in board.outcomes}
        _tell_well(board, console)
        _list(board, lists)
        raise
    _tell_well(board, console)
    _tell_faults(board, console)
    _list(board, lists)
    if as_json:
        click.echo(json.dumps(told(board), indent=2))
    return 0 if not board.reasons else SOME_FAILED if board.well else ALL_FAILED


def told(board: Board) -> dict[str, Any]:
    """How each host ended, with seconds since its orders, as JSON."""
    hosts: dict[str, dict[str, Any]] = {name: {"ok": False, "reason": why} for name, why in board.lost.items()}
    for name, outcome in board.outcomes.items():
        progress = outcome.progress
        said = {key: value for key, value in outcome.to_json().items() if key != "progress"}
        counts = {"received": progress.received, "verified": progress.verified, "written": progress.written}
        hosts[name] = {"ok": outcome.ok, **said, **counts}
    return {"size": board.size, "hosts": {name: hosts[name] for name in NodeSet(hosts)}}


async def _shown_cast(wanted: Cast, board: Board, console: Console) -> None:
    async with shown(board, console, len(wanted.hosts)):
        await cast(wanted, board)


def _tell_well(board: Board, console: Console) -> None:
    if well := NodeSet(board.well):
        seconds = max(board.outcomes[name].written_after or 0.0 for name in well)
        rate = board.size / MB / max(0.001, seconds)
        have = "host has" if len(well) == 1 else "hosts have"
        console.print(
            f"{len(well)} {have} it: {well}, {board.size / MB:.1f} MB in {seconds:.1f} s ({rate:.0f} MB/s each)"
        )


def _tell_faults(board: Board, console: Console) -> None:
    for name, outcome in sorted(board.outcomes.items()):
        for line in remarks(outcome):
            console.print(f"{name}: {line}", markup=False)
    for why, names in _by_reason(board.reasons).items():
        console.print(f"{names}: {why}{_remedy(why)}", style="red", markup=False)
    if board.has_changed and board.reasons:
        console.print("the file changed while it was sent: try again when it is whole", style="red")


def _list(board: Board, lists: Lists) -> None:
    wanted: Iterable[tuple[Path | None, Collection[str]]] = ((lists.ok, board.well), (lists.ko, board.reasons.keys()))
    for path, names in wanted:
        if path is not None:
            path.write_text("".join(f"{name}\n" for name in NodeSet(names)))


def _remedy(why: str) -> str:
    return next((f" ({remedy})" for fault, remedy in REMEDIES.items() if why.endswith(fault)), "")


def _by_reason(reasons: Mapping[str, str]) -> dict[str, NodeSet]:
    """Whole racks fail alike."""
    whys = dict.fromkeys(reasons[name] for name in NodeSet(reasons))
    return {why: NodeSet(name for name, one in reasons.items() if one == why) for why in whys}
