"""`kastat --plot`: what is drawn, and where: in a file by matplotlib, else in the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from kadeploy.cli import stat_figures
from kadeploy.cli.client import Json, Query
from kadeploy.cli.stat_bars import Bar, bars
from kadeploy.cli.stat_forms import tell
from kadeploy.cli.units import plural

Ask = Callable[[Query], object]
Rows = Sequence[Json]

WORST: Final = 30  # bars of nodes: more cannot be read
WORDS: Final = 25  # bars of steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """What is asked of the server, by name, and how it is drawn."""

    queries: Mapping[str, Query]
    figure: Callable[[Mapping[str, Rows]], stat_figures.Figure]
    lines: Callable[[Mapping[str, Rows]], Iterator[str]]


def draw(what: str, ask: Ask, file: str) -> None:
    """Raises InvalidOption without matplotlib, InvalidFile."""
    plot = PLOTS[what]
    data = {name: cast(Rows, ask({**query, "format": "json"})) for name, query in plot.queries.items()}
    if not any(data.values()):
        print("no statistics yet: nothing was drawn")
    elif file:
        stat_figures.save(plot.figure(data), file)
    else:
        tell("".join(f"{line}\n" for line in plot.lines(data)), "")


def longest(steps: Rows) -> Rows:
    """Those that take the most time, in their order."""
    kept = sorted(steps, key=lambda step: -_seconds(step)["p90"])[:WORDS]
    return [step for step in steps if step in kept]


def worst(rates: Rows) -> Rows:
    failing = [rate for rate in rates if cast(float, rate["failures"])]
    return sorted(failing, key=lambda rate: (-cast(float, rate["rate"]), -cast(float, rate["failures"])))[:WORST]


def _steps_figure(data: Mapping[str, Rows]) -> stat_figures.Figure:
    return stat_figures.steps(longest(data["steps"]))


def _failures_figure(data: Mapping[str, Rows]) -> stat_figures.Figure:
    panels = {name: worst(data[name]) for name in ("step", "node", "environment")}
    return stat_figures.failures(
        panels, nodes=len(data["node"]), runs=_runs(data["node"]), failed=_failed(data["node"])
    )


def _nodes_figure(data: Mapping[str, Rows]) -> stat_figures.Figure:
    return stat_figures.nodes(data["health"])


def _steps_lines(data: Mapping[str, Rows]) -> Iterator[str]:
    yield "Seconds of each micro-step: █ half of the nodes, ░ nine of ten"
    macro = ""
    shown = longest(data["steps"])
    chart = [
        Bar(
            label=f"  {step['micro']}",
            value=_seconds(step)["p50"],
            more=_seconds(step)["p90"],
            note=_spread_note(step),
        )
        for step in shown
    ]
    for step, line in zip(shown, bars(chart), strict=True):
        named = f"{step['macro']} {step['instance']}"
        if named != macro:
            macro = named
            yield macro
        yield line


def _failures_lines(data: Mapping[str, Rows]) -> Iterator[str]:
    nodes = data["node"]
    yield f"{_failed(nodes)} of {plural(_runs(nodes), 'run')} of {plural(len(nodes), 'node')} failed"
    for name, heading in (("step", "By step"), ("environment", "By environment"), ("node", "By node")):
        chart = [
            Bar(
                label=f"  {rate[name]}",
                value=cast(float, rate["rate"]),
                note=f"{100 * cast(float, rate['rate']):.1f} %, {rate['failures']} of {rate['runs']}",
            )
            for rate in worst(data[name])
        ]
        yield heading if chart else f"{heading}: no failure"
        yield from bars(chart, most=1.0 if name == "node" else 0.0)


def _nodes_lines(data: Mapping[str, Rows]) -> Iterator[str]:
    found = data["health"]
    counts = {verdict: sum(each["verdict"] == verdict for each in found) for verdict in ("visit", "watch", "good")}
    everyone = plural(len(found), "node")
    yield f"{everyone}: {counts['visit']} deserve a visit, {counts['watch']} a look, {counts['good']} are well"
    chart = [
        Bar(label=f"  {each['node']}", value=cast(float, each["score"]), note=f"{each['score']:.0f}  {each['reason']}")
        for each in found[:WORST]
        if each["verdict"] != "good"
    ]
    if chart:
        yield "Health, of 100"
    yield from bars(chart, most=100.0)


def _spread_note(step: Json) -> str:
    seconds = _seconds(step)
    return f"{seconds['p50']:.1f} … {seconds['p90']:.1f} s, {plural(cast(int, step['nodes']), 'node')}"


def _seconds(step: Json) -> Mapping[str, float]:
    return cast(Mapping[str, float], step["seconds"])


def _runs(rates: Rows) -> int:
    return sum(cast(int, rate["runs"]) for rate in rates)


def _failed(rates: Rows) -> int:
    return sum(cast(int, rate["failures"]) for rate in rates)


PLOTS: Final[Mapping[str, Plot]] = {
    "steps": Plot(queries={"steps": {"kind": "steps"}}, figure=_steps_figure, lines=_steps_lines),
    "failures": Plot(
        queries={name: {"kind": "failure_rates", "by": name} for name in ("node", "step", "environment")},
        figure=_failures_figure,
        lines=_failures_lines,
    ),
    "nodes": Plot(queries={"health": {"kind": "health"}}, figure=_nodes_figure, lines=_nodes_lines),
}
