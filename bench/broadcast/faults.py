"""Nodes that die, and one that is slow: what they cost the others. 20 nodes, 512 MB, 200 Mbit/s."""

from __future__ import annotations

import random
import signal
import threading
import time
from pathlib import Path

from bench.broadcast.figure import Figure
from bench.broadcast.image import made
from bench.broadcast.shaped import Disturb, Links, Run, broadcast
from kadeploy.testing.chain import RelayProcess
from kadeploy.testing.namespaces import Host

LINKS = Links(nodes=20, rate=200)
MEGABYTES = 512


def killed(directory: Path, rounds: int) -> list[Figure]:
    """One by SIGKILL in the middle; its kernel closes its connections."""

    def kill(nodes: list[RelayProcess], hosts: list[Host], began: float) -> None:
        _at_half(nodes[9])
        nodes[9].send(signal.SIGKILL)

    return [_seconds_more(directory, rounds, kill, ["node-10"], "one of 20 killed at 50 %", 3.0)]


def unplugged(directory: Path, rounds: int) -> list[Figure]:
    """As a power cut: nobody is told."""

    def unplug(nodes: list[RelayProcess], hosts: list[Host], began: float) -> None:
        _at_half(nodes[9])
        hosts[10].unplug()
        nodes[9].send(signal.SIGKILL)

    return [_seconds_more(directory, rounds, unplug, ["node-10"], "one of 20 unplugged at 50 %", 3.0)]


def five_killed(directory: Path, rounds: int) -> list[Figure]:
    lots = random.Random(5)
    moments = sorted(lots.uniform(0.05, 0.95) * LINKS.ideal(MEGABYTES * 1_000_000) for _ in range(5))
    chosen = lots.sample(range(20), 5)

    def kill(nodes: list[RelayProcess], hosts: list[Host], began: float) -> None:
        for moment, number in zip(moments, chosen, strict=True):
            timer = threading.Timer(moment - (time.monotonic() - began), nodes[number].send, [signal.SIGKILL])
            timer.daemon = True
            timer.start()

    dead = [f"node-{number + 1}" for number in chosen]
    return [_seconds_more(directory, rounds, kill, dead, "five of 20 killed at random moments", 10.0)]


def slow(directory: Path, rounds: int) -> list[Figure]:
    """In the middle of the chain, and as its first, where nobody before it can see it."""
    image, manifest = made(directory, MEGABYTES)
    figures = []
    for number in (10, 1):
        links = Links(nodes=20, rate=200, slow={number: 20})
        runs = [broadcast(image, manifest, links, _until_others_are_done(number)) for _ in range(rounds)]
        best = min(runs, key=lambda run: run.last([f"node-{number}"]))
        others = best.last([f"node-{number}"])
        figures.append(
            Figure(
                bench="slow",
                what=f"node {number} of 20 at a tenth of the rate: others / ideal",
                value=others / links.ideal(manifest.size),
                bar=1.10,
                detail=f"{others:.2f} s, moved to the end: {_moved(best)}, machine {best.load:.0%} busy",
            )
        )
    return figures


def _until_others_are_done(number: int) -> Disturb:
    """What the slow one still needs is not part of the figure."""

    def end(nodes: list[RelayProcess], hosts: list[Host], began: float) -> None:
        for node in nodes:
            if node.name != f"node-{number}":
                node.wait_progress(lambda progress: progress.written == MEGABYTES * 1_000_000, 170.0)
        nodes[number - 1].send(signal.SIGKILL)

    return end


def _moved(run: Run) -> str:
    return ", ".join(name for name, outcome in run.outcomes.items() if outcome and outcome.moved) or "the slow one only"


def _at_half(node: RelayProcess) -> None:
    node.wait_progress(lambda progress: progress.received >= MEGABYTES * 500_000, 170.0)


def _seconds_more(directory: Path, rounds: int, disturb: Disturb, dead: list[str], what: str, bar: float) -> Figure:
    image, manifest = made(directory, MEGABYTES)
    best = min((broadcast(image, manifest, LINKS, disturb) for _ in range(rounds)), key=lambda run: run.last(dead))
    took, ideal = best.last(dead), LINKS.ideal(manifest.size)
    detail = f"{took:.2f} s, ideal {ideal:.2f} s, machine {best.load:.0%} busy"
    return Figure(bench="faults", what=f"{what}: seconds over ideal", value=took - ideal, bar=bar, detail=detail)
