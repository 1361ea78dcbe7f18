"""The pictures of `kastat --plot`, drawn by matplotlib, which is loaded only for them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, cast

from kadeploy.cli.client import Json
from kadeploy.cli.stat_forms import optional_library
from kadeploy.cli.units import plural
from kadeploy.domain.nodeset import natural_key
from kadeploy.errors import InvalidFile

Rows = Sequence[Json]

COLOURS: Final = ("#3b6ea8", "#4e9a6b", "#c07f2d", "#7d5ba6", "#8a8a8a")
BAD: Final = "#b5403a"
GREY: Final = "#5f6670"
DPI: Final = 130
SICKEST: Final = 15  # nodes named beside the map
PALEST: Final = 30  # health at which a cell is as red as can be
SQUARE: Final = 40  # cells in a row of the map, at most
LONG: Final = 46  # characters of a label


class Figure(Protocol):
    """What matplotlib's figures are used for here."""

    def savefig(self, path: str, **options: object) -> None: ...


def save(figure: Figure, file: str) -> None:
    """Raises InvalidFile."""
    try:
        figure.savefig(file, dpi=DPI, bbox_inches="tight", facecolor="white")
    except OSError as error:
        raise InvalidFile(f"{file} cannot be written: {error.strerror or error}") from error


def steps(found: Rows) -> Figure:
    """Box plots: half of the nodes are inside the box, the whiskers go from the quickest to nine of ten."""
    figure, axes = _figure(11, 1.6 + 0.32 * len(found))
    macros = list(dict.fromkeys(_macro(step) for step in found))
    for place, step in enumerate(reversed(found)):
        seconds = cast(Mapping[str, float], step["seconds"])
        box = {"med": "p50", "q1": "p25", "q3": "p75", "whislo": "p0", "whishi": "p90"}
        colour = COLOURS[macros.index(_macro(step)) % len(COLOURS)]
        axes.bxp(
            [{**{name: seconds[part] for name, part in box.items()}, "fliers": []}],
            positions=[place],
            orientation="horizontal",
            widths=0.6,
            patch_artist=True,
            showfliers=False,
            manage_ticks=False,
            boxprops={"facecolor": colour, "edgecolor": colour, "alpha": 0.55},
            medianprops={"color": "black", "linewidth": 1.6},
            whiskerprops={"color": colour},
            capprops={"color": colour},
        )
        axes.annotate(
            f"{seconds['p50']:.3g} s",
            (seconds["p90"], place),
            (6, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            color=GREY,
        )
    axes.set_yticks(range(len(found)), [f"{step['micro']}  ({step['nodes']})" for step in reversed(found)], fontsize=9)
    axes.set_ylim(-0.7, len(found) - 0.3)
    axes.set_xlim(left=0)
    axes.margins(x=0.08)
    axes.set_xlabel("seconds, retries included (line: median; box: half of the nodes; whiskers: to nine of ten)")
    axes.set_title("How long each micro-step takes a node", loc="left", fontweight="bold")
    patches = optional_library("matplotlib.patches")
    handles = [patches.Patch(color=COLOURS[n % len(COLOURS)], alpha=0.55, label=name) for n, name in enumerate(macros)]
    axes.legend(handles=handles, loc="best", fontsize=8, frameon=False, title="nodes in parentheses", title_fontsize=8)
    return cast(Figure, figure)


def failures(panels: Mapping[str, Rows], *, nodes: int, runs: int, failed: int) -> Figure:
    """Failure rates by step, environment and node, the worst of each."""
    shown = {name: panels[name] for name in ("step", "environment", "node")}
    heights = [max(len(rows), 1) + 1.6 for rows in shown.values()]
    figure, grid = _figures(11, 1.0 + 0.27 * sum(heights), heights)
    share = 100 * failed / runs if runs else 0.0
    figure.suptitle(
        f"Failures: {failed} of {runs} runs ({share:.1f} %), {nodes} nodes",
        x=0.01,
        ha="left",
        fontweight="bold",
        fontsize=13,
    )
    titles = {
        "step": "By step: nodes that failed there for good",
        "environment": "By environment",
        "node": f"By node: the worst {len(shown['node'])}",
    }
    for axes, (name, rows) in zip(grid, shown.items(), strict=True):
        _rates(axes, name, rows, titles[name])
    return cast(Figure, figure)


def nodes(found: Rows) -> Figure:
    """A map of all nodes in their order, a cell each, and the sickest by name."""
    ordered = sorted(found, key=lambda each: natural_key(str(each["node"])))
    wide = min(SQUARE, max(10, math.ceil(math.sqrt(len(ordered) * 2))))
    high = math.ceil(len(ordered) / wide)
    sick = [each for each in found if each["verdict"] != "good"][:SICKEST]
    room = [0.8 + 9.0 / wide * high, 0.8 + 0.27 * max(len(sick), 1)]
    figure, (axes, list_axes) = _figures(12, sum(room), room)
    numpy = optional_library("numpy")
    cells = numpy.full((high, wide), numpy.nan)
    for index, each in enumerate(ordered):
        cells[index // wide, index % wide] = each["score"]
    image = axes.pcolormesh(cells, cmap="RdYlGn", vmin=PALEST, vmax=100, edgecolors="white", linewidth=1.2)
    axes.set_ylim(high, 0)
    axes.set_aspect("equal")
    axes.set_yticks([row + 0.5 for row in range(high)], [str(ordered[row * wide]["node"]) for row in range(high)])
    axes.tick_params(axis="y", labelsize=7, length=0)
    axes.set_xticks([])
    for side in axes.spines.values():
        side.set_visible(False)
    counts = {verdict: sum(each["verdict"] == verdict for each in found) for verdict in ("visit", "watch")}
    axes.set_title(
        f"Health of {plural(len(found), 'node')}: {counts['visit']} deserve a visit, {counts['watch']} a look",
        loc="left",
        fontweight="bold",
    )
    figure.colorbar(image, ax=axes, label="health (100: nothing against it)", fraction=0.03, pad=0.02)
    _sickest(list_axes, sick)
    return cast(Figure, figure)


def _sickest(axes: Any, sick: Rows) -> None:
    if not sick:
        axes.axis("off")
        axes.text(0, 0.5, "No node deserves a look.", color=GREY)
        return
    scores = [cast(float, each["score"]) for each in reversed(sick)]
    colours = [BAD if each["verdict"] == "visit" else COLOURS[2] for each in reversed(sick)]
    axes.barh(range(len(sick)), scores, color=colours, alpha=0.75, height=0.7)
    axes.set_yticks(range(len(sick)), [str(each["node"]) for each in reversed(sick)], fontsize=8)
    for place, each in enumerate(reversed(sick)):
        axes.text(scores[place] + 1, place, _why(each), va="center", fontsize=7.5, color=GREY)
    axes.set_xlim(0, 190)
    axes.set_xticks([0, 25, 50, 75, 100])
    axes.set_xlabel("health")
    axes.set_title("The sickest", loc="left", fontsize=10)


def _why(each: Json) -> str:
    failed = f"{each['failures']} of {each['operations']} failed"
    slow = f", boots {each['boot_ratio']:.1f} times the usual" if cast(float, each["boot_ratio"]) > 1.2 else ""
    reason = f": {each['reason']}" if each["reason"] else ""
    return _cut(f"{failed}{slow}{reason}", 90)


def _rates(axes: Any, name: str, rows: Rows, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=10)
    if not rows:
        axes.axis("off")
        axes.text(0, 0.5, "no failure", color=GREY)
        return
    values = [100 * cast(float, rate["rate"]) for rate in reversed(rows)]
    axes.barh(range(len(rows)), values, color=BAD, alpha=0.75, height=0.7)
    axes.set_yticks(range(len(rows)), [_cut(str(rate[name]), LONG) for rate in reversed(rows)], fontsize=8)
    most = max(values)
    for place, rate in enumerate(reversed(rows)):
        told = f"{values[place]:.2g} %  ({rate['failures']} of {rate['runs']})"
        axes.text(values[place] + most * 0.01, place, told, va="center", fontsize=7.5, color=GREY)
    axes.set_xlim(0, most * 1.25)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlabel("failure rate in %", fontsize=8)
    axes.tick_params(axis="x", labelsize=8)


def _figure(width: float, height: float) -> tuple[Any, Any]:
    figure, (axes,) = _figures(width, max(height, 2.5), [1.0])
    return figure, axes


def _figures(width: float, height: float, heights: Sequence[float]) -> tuple[Any, Any]:
    """Without a window system, whatever the environment says."""
    made = optional_library("matplotlib.figure").Figure(figsize=(width, height), layout="constrained")
    optional_library("matplotlib.backends.backend_agg").FigureCanvasAgg(made)
    grid = made.subplots(len(heights), 1, squeeze=False, gridspec_kw={"height_ratios": list(heights)})[:, 0]
    for axes in grid:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="x", color="#e3e5e8", linewidth=0.8)
        axes.set_axisbelow(True)
    return made, grid


def _macro(step: Json) -> str:
    return f"{step['macro']} {step['instance']}"


def _cut(text: str, width: int) -> str:
    one = " ".join(text.split())
    return one if len(one) <= width else f"{one[: width - 1]}…"
