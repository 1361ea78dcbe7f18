"""Time of a chain against image size / link rate: 20 nodes, 100 nodes, and how it grows from 10 to 100."""

from __future__ import annotations

from pathlib import Path

from bench.broadcast.asked import Asked
from bench.broadcast.figure import Figure
from bench.broadcast.floor import floor_ratio
from bench.broadcast.image import made
from bench.broadcast.shaped import Links, Run, broadcast
from kadeploy.broadcast.manifest import Manifest

# A hundred nodes on the processors of one machine: they may wake up less often than a hundred machines would.
FEWER_WAKES = {"delay": 0.05}
# MB a node. On one machine, what counts of memory is to touch it for the first time: twenty nodes that do that with 128
# MB each, in the first seconds, keep two processors busy with nothing else, and a chain never makes up for a delay.
MEMORY_OF_20, MEMORY_OF_100 = 32, 16


def chain20(asked: Asked) -> list[Figure]:
    return [_ratio(asked, Links(nodes=asked.nodes(20), rate=200, spool=MEMORY_OF_20), 512, 1.05)]


def chain100(asked: Asked) -> list[Figure]:
    return [_ratio(asked, Links(nodes=asked.nodes(100), rate=50, spool=MEMORY_OF_100, limits=FEWER_WAKES), 256, 1.10)]


def growth(asked: Asked) -> list[Figure]:
    """At a rate that this machine can carry a hundred times, with an image that keeps the run short."""
    megabytes, most = asked.megabytes(128), asked.nodes(100)
    few = max(1, most // 10)
    image, manifest = made(asked.directory, megabytes)
    best = {}
    for nodes in (few, most):
        links = Links(nodes=nodes, rate=40, spool=MEMORY_OF_100, limits=FEWER_WAKES)
        best[nodes] = _best(image, manifest, links, asked.rounds)
    value = best[most].last() / best[few].last()
    what = f"time of {most} nodes / of {few}, {megabytes} MB, 40 Mbit/s"
    detail = f"{best[most].last():.2f} s / {best[few].last():.2f} s; {best[most].load:.0%} busy"
    return [Figure(bench="growth", what=what, value=value, bar=1.05, floor=1.0, detail=detail)]


def _ratio(asked: Asked, links: Links, usual: int, bar: float) -> Figure:
    megabytes = asked.megabytes(usual)
    image, manifest = made(asked.directory, megabytes)
    floor = floor_ratio(links)
    best = _best(image, manifest, links, asked.rounds)
    what = f"{links.nodes} nodes, {megabytes} MB, {links.rate} Mbit/s: wall / ideal"
    ratio = best.last() / links.ideal(manifest.size)
    return Figure(bench="chain", what=what, value=ratio, bar=bar, floor=floor, detail=_said(best))


def _best(image: Path, manifest: Manifest, links: Links, rounds: int) -> Run:
    runs = [broadcast(image, manifest, links) for _ in range(rounds)]
    return min(runs, key=lambda run: run.last())


def _said(run: Run) -> str:
    first = min(took for took in run.took.values() if took is not None)
    if run.failures:
        return run.failures
    return f"first {first:.2f} s, last {run.last():.2f} s; nodes' processors {run.processor:.1f} s; {run.load:.0%} busy"
