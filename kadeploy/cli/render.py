"""The live display: a board drawn for a screen of so many columns and lines, redrawn in place by rich.

What is shown is decided in `rows`; here only how. Whatever the size, the drawing fits: a drawing higher than the
screen would scroll and flicker.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from kadeploy.cli.display import Board
from kadeploy.cli.rows import Row, RowState, SetRow, reasons, rows, set_rows
from kadeploy.cli.units import clock, percent, plural, size
from kadeploy.domain.state import OperationKind

GAP: Final = 2  # columns between two columns
FOOT: Final = 3  # sets and reasons shown below the table, of each at most
BAR: Final = 16
MICRO: Final = (14, 22)  # columns of a micro-step's name, at least and at most
STYLES: Final[Mapping[RowState, str]] = {
    RowState.RUNNING: "cyan",
    RowState.WAITING: "dim",
    RowState.HELD: "bold yellow",
    RowState.KO: "bold red",
    RowState.OK: "green",
}
TITLES: Final[Mapping[str, str]] = {
    OperationKind.DEPLOYMENT.prefix: "Deployment",
    OperationKind.REBOOT.prefix: "Reboot",
    OperationKind.POWER.prefix: "Power operation",
}
ORDER: Final = ("nodes", "macro-step", "micro-step", "progress", "state", "time")


def layout(width: int, widest: int) -> list[tuple[str, int]]:
    """Which columns, from left to right, and how wide: the less important ones go where there is no room."""
    by_importance = (
        ("nodes", min(max(widest, 5), max(width // 3, 8))),
        ("micro-step", min(MICRO[0], max(width - 8 - GAP, 1))),
        ("state", 14),
        ("time", 7),
        ("macro-step", 25),
        ("progress", BAR),
    )
    chosen: dict[str, int] = {}
    left = width
    for name, wanted in by_importance:
        needed = wanted + (GAP if chosen else 0)
        if needed <= left:
            chosen[name] = wanted
            left -= needed
    chosen["micro-step"] = min(chosen["micro-step"] + left, MICRO[1]) if "micro-step" in chosen else 0
    return [(name, chosen[name]) for name in ORDER if chosen.get(name)]


def screen(board: Board, *, now: float, width: int, height: int, notice: str = "") -> RenderableType:
    """The whole drawing; `now` is the server's time in seconds since the epoch."""
    foot = [*_sets(board, now), *_reasons(board)]
    if notice:
        foot.append(Text(notice, style="yellow"))
    room = height - 3 - len(foot)  # title, headings, and the line of the cursor
    if room < 1:
        foot, room = foot[len(foot) - max(height - 4, 0) :], 1
    shown, hidden = rows(board, room)
    parts: list[RenderableType] = [_title(board, now), _table(shown, now, width)]
    if hidden:
        parts.append(Text(f"… and {plural(hidden, 'more row')}", style="dim"))
    return Group(*_cut([*parts, *foot]))


def _cut(parts: Sequence[RenderableType]) -> Iterator[RenderableType]:
    """Every text on one line of the screen."""
    for part in parts:
        if isinstance(part, Text):
            part.no_wrap, part.overflow = True, "ellipsis"
        yield part


def _title(board: Board, now: float) -> Text:
    began = board.started if board.started is not None else now
    title = Text.assemble(
        (f"{TITLES.get(board.operation[:2], 'Operation')} {board.operation}", "bold"),
        f"  {clock(now - began)}  ",
    )
    running = len(board.nodes) - len(board.ok) - len(board.ko)
    title.append(f"{running} running", style=STYLES[RowState.RUNNING] if running else "dim")
    title.append(f"  {len(board.ok)} ok", style=STYLES[RowState.OK] if board.ok else "dim")
    title.append(f"  {len(board.ko)} ko", style=STYLES[RowState.KO] if board.ko else "dim")
    if left := board.left(now):
        title.append(f"  {left}", style="dim")
    return title


def _table(shown: Sequence[Row], now: float, width: int) -> Table:
    places = layout(width, max((len(row.nodes) for row in shown), default=5))
    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="dim", collapse_padding=True)
    for name, wide in places:
        table.add_column(
            name, width=wide, no_wrap=True, overflow="ellipsis", justify="right" if name == "time" else "left"
        )
    for row in shown:
        cells = _cells(row, now)
        table.add_row(*(cells[name] for name, _ in places))
    return table


def _cells(row: Row, now: float) -> dict[str, RenderableType]:
    style = STYLES[row.state]
    bar: RenderableType = Text("")
    state = row.state.value
    if row.total and row.state is RowState.RUNNING:
        bar = ProgressBar(total=row.total, completed=row.done, width=BAR, complete_style="cyan", finished_style="green")
        rate = f" {size(row.rate)}/s" if row.rate >= 1 else ""
        state = f"{percent(row.done, row.total)} %{rate}"
    return {
        "nodes": Text(row.nodes),
        "macro-step": Text(row.macro),
        "micro-step": Text(row.micro),
        "progress": bar,
        "state": Text(state, style=style),
        "time": Text(clock(now - row.since) if row.since is not None else "", style="dim"),
    }


def _sets(board: Board, now: float) -> Iterator[Text]:
    """One set needs no line of its own: the title has its time."""
    live = set_rows(board)
    if len(board.sets) < 2:
        return
    for entry in live[:FOOT]:
        yield Text(_set(board, entry, now), style="dim")
    if len(live) > FOOT:
        yield Text(f"… and {plural(len(live) - FOOT, 'more set')}", style="dim")


def _set(board: Board, entry: SetRow, now: float) -> str:
    name = f"{entry.cluster} {entry.set}" if len(board.clusters) > 1 else entry.set
    why = f"  ({entry.why})" if entry.why else ""
    return f"set {name}  {clock(now - entry.since)}  {plural(entry.count, 'node')} in {entry.macro}{why}"


def _reasons(board: Board) -> Iterator[Text]:
    known = reasons(board)
    for nodes, reason in known[:FOOT]:
        yield Text.assemble((nodes, STYLES[RowState.KO]), " ", " ".join(reason.split()))
    if len(known) > FOOT:
        yield Text(f"… and {plural(len(known) - FOOT, 'more reason')}", style="dim")
