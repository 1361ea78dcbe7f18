"""Nodes that die, and one that is slow: what they cost the others. 20 nodes, 512 MB, 200 Mbit/s."""

from __future__ import annotations

import random
import signal
import threading
import time

from bench.broadcast.asked import Asked
from bench.broadcast.figure import Figure
from bench.broadcast.floor import floor_ratio
from bench.broadcast.image import MB, made
from bench.broadcast.shaped import Disturb, Links, Run, broadcast
from kadeploy.testing.chain import RelayProcess
from kadeploy.testing.namespaces import Host

NODES = 20
RATE = 200
MEGABYTES = 512
KILLED = 5


def killed(asked: Asked) -> list[Figure]:
    """One by SIGKILL in the middle; its kernel closes its connections."""
    number, half = _middle(asked), asked.megabytes(MEGABYTES) * MB // 2

    def kill(nodes: list[RelayProcess], hosts: list[Host], began: float) -> None:
        _wait_received(nodes[number - 1], half)
        nodes[number - 1].send(signal.SIGKILL)

    return [_seconds_more(asked, kill, [f"node-{number}"], "one of {} killed at 50 %", 3.0)]


def unplugged(asked: Asked) -> list[Figure]:
    """As a power cut: nobody is told."""
    number, half = _middle(asked), asked.megabytes(MEGABYTES) * MB // 2

    def unplug(nodes: list[RelayProcess], hosts: list[Host], began: float) -> None:
        _wait_received(nodes[number - 1], half)
        hosts[number].unplug()
        nodes[number - 1].send(signal.SIGKILL)

    return [_seconds_more(asked, unplug, [f"node-{number}"], "one of {} unplugged at 50 %", 3.0)]


def five_killed(asked: Asked) -> list[Figure]:
    lots, nodes_there = random.Random(5), asked.nodes(NODES)
    ideal, count = _links(asked).ideal(asked.megabytes(MEGABYTES) * MB), min(KILLED, nodes_there // 2)
    moments = sorted(lots.uniform(0.05, 0.95) * ideal for _ in range(count))
    chosen = lots.sample(range(nodes_there), count)

    def kill(nodes: list[RelayProcess], hosts: list[Host], began: float) -> None:
        for moment, number in zip(moments, chosen, strict=True):
            timer = threading.Timer(moment - (time.monotonic() - began), nodes[number].send, [signal.SIGKILL])
            timer.daemon = True
            timer.start()

    dead = [f"node-{number + 1}" for number in chosen]
    return [_seconds_more(asked, kill, dead, f"{count} of {{}} killed at random moments", 10.0)]


def slow(asked: Asked) -> list[Figure]:
    """In the middle of the chain, and as its first, where nobody before it can see it."""
    image, manifest = made(asked.directory, asked.megabytes(MEGABYTES))
    floor, figures = floor_ratio(_links(asked)), []
    for number in (_middle(asked), 1):
        links = _links(asked, slow=number)
        end = _until_others_are_done(number, manifest.size)
        runs = [broadcast(image, manifest, links, end) for _ in range(asked.rounds)]
        best = min(runs, key=lambda run: run.last([f"node-{number}"]))
        others = best.last([f"node-{number}"])
        figures.append(
            Figure(
                bench="slow",
                what=f"node {number} of {links.nodes} at a tenth of the rate: others / ideal",
                value=others / links.ideal(manifest.size),
                bar=1.10,
                floor=floor,
                detail=f"{others:.2f} s, moved to the end: {_moved(best)}, machine {best.load:.0%} busy",
            )
        )
    return figures


def _links(asked: Asked, slow: int = 0) -> Links:
    if slow:  # the memory before it fills, and is fresh: with less of it there is less to wait for, and as much to see
        return Links(nodes=asked.nodes(NODES), rate=RATE, slow={slow: RATE // 10}, spool=64)
    return Links(nodes=asked.nodes(NODES), rate=RATE)


def _middle(asked: Asked) -> int:
    return asked.nodes(NODES) // 2


def _until_others_are_done(number: int, size: int) -> Disturb:
    """What the slow one still needs is not part of the figure."""

    def end(nodes: list[RelayProcess], hosts: list[Host], began: float) -> None:
        for node in nodes:
            if node.name != f"node-{number}":
                node.wait_progress(lambda progress: progress.written == size, 170.0)
        nodes[number - 1].send(signal.SIGKILL)

    return end


def _moved(run: Run) -> str:
    return ", ".join(name for name, outcome in run.outcomes.items() if outcome and outcome.moved) or "the slow one only"


def _wait_received(node: RelayProcess, count: int) -> None:
    node.wait_progress(lambda progress: progress.received >= count, 170.0)


def _seconds_more(asked: Asked, disturb: Disturb, dead: list[str], what: str, bar: float) -> Figure:
    image, manifest = made(asked.directory, asked.megabytes(MEGABYTES))
    links = _links(asked)
    ideal = links.ideal(manifest.size)
    floor = (floor_ratio(links) - 1) * ideal
    best = min(
        (broadcast(image, manifest, links, disturb) for _ in range(asked.rounds)), key=lambda run: run.last(dead)
    )
    took, what = best.last(dead), what.format(links.nodes)
    detail = f"{took:.2f} s, ideal {ideal:.2f} s, machine {best.load:.0%} busy"
    return Figure(
        bench="faults", what=f"{what}: seconds over ideal", value=took - ideal, bar=bar, floor=floor, detail=detail
    )
