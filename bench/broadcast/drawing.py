"""The figures as a picture: each measured against its bar, and ours beside the others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Picture

from bench.broadcast.figure import Figure

HOLDS, MISSES, OURS, OTHERS = "#3a7d44", "#b23a48", "#3a7d44", "#8a8d91"
OUR_NAME = "kadeploy"
FARTHEST = 3.0  # bars that are longer are cut
ENDLESS = 20.0  # what never ended is drawn as this


def draw(figures: Sequence[Figure], path: Path) -> None:
    """Of several runs of a bench the last counts."""
    newest = {(figure.bench, figure.what): figure for figure in figures}.values()
    barred = [figure for figure in newest if figure.bar is not None]
    peers = [figure for figure in newest if figure.bench == "peers"]
    measures = list(dict.fromkeys(figure.what.partition(": ")[2] for figure in peers))
    picture = Picture(figsize=(10, 2 + 0.4 * len(barred) + 1.8 * len(measures)), layout="tight")
    axes: list[Axes] = list(picture.subplots(1 + len(measures), 1, squeeze=False)[:, 0])
    _against_bars(axes[0], barred)
    for axis, measure in zip(axes[1:], measures, strict=True):
        _beside_others(axis, measure, [figure for figure in peers if figure.what.endswith(f": {measure}")])
    picture.savefig(path, dpi=120)


def _against_bars(axis: Axes, figures: Sequence[Figure]) -> None:
    """Each as a share of its bar: left of the line is good."""
    colours = [HOLDS if figure.holds else MISSES for figure in figures]
    drawn = axis.barh([figure.what for figure in figures], [_share(one, one.value) for one in figures], color=colours)
    axis.bar_label(drawn, [f"{figure.value:.3g}" for figure in figures], padding=3)
    floors = [(_share(one, one.floor), row) for row, one in enumerate(figures) if one.floor is not None]
    if floors:
        axis.plot(*zip(*floors, strict=True), "|", color="black", markersize=14, label="floor, measured beside it")
        axis.legend(loc="lower right", bbox_to_anchor=(1, 1))
    axis.axvline(1.0, color="black", linewidth=1)
    axis.set_title("measured / what must be reached (to the left of the line it holds)")
    axis.margins(x=0.1)
    axis.invert_yaxis()


def _share(figure: Figure, value: float) -> float:
    bar = figure.bar or 1.0
    return min(bar / max(value, 1e-9) if figure.at_least else max(value, 0.0) / bar, FARTHEST)


def _beside_others(axis: Axes, measure: str, figures: Sequence[Figure]) -> None:
    names = [figure.what.partition(": ")[0] for figure in figures]
    colours = [OURS if name == OUR_NAME else OTHERS for name in names]
    drawn = axis.barh(names, [min(figure.value, ENDLESS) for figure in figures], color=colours)
    axis.bar_label(drawn, [f"{figure.value:.3g}" for figure in figures], padding=3)
    axis.set_title(measure)
    axis.margins(x=0.1)
    axis.invert_yaxis()
