"""How long the way through a long chain is: 200 hops on loopback from a throttled source."""

from __future__ import annotations

import time
from pathlib import Path

from bench.broadcast.figure import Figure
from bench.broadcast.image import MB, made
from bench.broadcast.machine import Moment
from bench.broadcast.shaped import LONGEST, NOWHERE
from kadeploy.broadcast.manifest import Manifest
from kadeploy.broadcast.source import Head
from kadeploy.testing.chain import give_orders, relays, started

HOPS = 200
MEGABYTES = 60
RATE = 3 * MB  # bytes a second: two cores carry two hundred times that


def hops(directory: Path, rounds: int) -> list[Figure]:
    image, manifest = made(directory, MEGABYTES)
    best = min(_run(image, manifest) for _ in range(rounds))
    last, first, load = best
    detail = f"first {first:.2f} s, last {last:.2f} s, machine {load:.0%} busy"
    what = f"last of {HOPS} hops after the first, % of the time"
    return [Figure(bench="hops", what=what, value=100 * (last - first) / first, bar=1.5, detail=detail)]


def _run(image: Path, manifest: Manifest) -> tuple[float, float, float]:
    with relays(HOPS) as nodes, started(Head(image, manifest, host="127.0.0.1", rate=RATE)) as head:
        before, began = Moment.now(), time.monotonic()
        give_orders(head, nodes, lambda name: NOWHERE, spool_limit=64 * MB)
        for node in nodes:
            node.outcome(LONGEST)
        load = Moment.now().load_since(before)
        return nodes[-1].progressed_at - began, nodes[0].progressed_at - began, load
