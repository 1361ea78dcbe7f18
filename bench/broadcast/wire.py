"""Time of a chain against image size / link rate: 20 nodes, 100 nodes, and how it grows from 10 to 100."""

from __future__ import annotations

from pathlib import Path

from bench.broadcast.figure import Figure
from bench.broadcast.image import made
from bench.broadcast.shaped import Links, Run, broadcast
from kadeploy.broadcast.manifest import Manifest

# A hundred nodes on the processors of one machine: they may wake up less often than a hundred machines would.
FEWER_WAKES = {"delay": 0.01}


def chain20(directory: Path, rounds: int) -> list[Figure]:
    return [_ratio(directory, rounds, Links(nodes=20, rate=200), 512, 1.05)]


def chain100(directory: Path, rounds: int) -> list[Figure]:
    return [_ratio(directory, rounds, Links(nodes=100, rate=50, spool=64, limits=FEWER_WAKES), 256, 1.10)]


def growth(directory: Path, rounds: int) -> list[Figure]:
    """At a rate that this machine can carry a hundred times, with an image that keeps the run short."""
    image, manifest = made(directory, 128)
    best = {}
    for nodes in (10, 100):
        best[nodes] = _best(image, manifest, Links(nodes=nodes, rate=40, spool=64, limits=FEWER_WAKES), rounds)
    value = best[100].last() / best[10].last()
    return [Figure(bench="growth", what="time of 100 nodes / of 10 nodes, 128 MB, 40 Mbit/s", value=value, bar=1.05)]


def _ratio(directory: Path, rounds: int, links: Links, megabytes: int, bar: float) -> Figure:
    image, manifest = made(directory, megabytes)
    best = _best(image, manifest, links, rounds)
    what = f"{links.nodes} nodes, {megabytes} MB, {links.rate} Mbit/s: wall / ideal"
    return Figure(bench="chain", what=what, value=best.last() / links.ideal(manifest.size), bar=bar, detail=_said(best))


def _best(image: Path, manifest: Manifest, links: Links, rounds: int) -> Run:
    runs = [broadcast(image, manifest, links) for _ in range(rounds)]
    return min(runs, key=lambda run: run.last())


def _said(run: Run) -> str:
    first = min(took for took in run.took.values() if took is not None)
    return f"first {first:.2f} s, last {run.last():.2f} s; nodes' processors {run.processor:.1f} s; {run.load:.0%} busy"
