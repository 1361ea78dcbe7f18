"""Ours beside others in the same run, on the same hosts: time, what the server sends, processor time, and how many
survivors complete when one node is killed in the middle."""

from __future__ import annotations

from pathlib import Path

from bench.broadcast.asked import Asked
from bench.broadcast.figure import Figure
from bench.broadcast.image import GB, made
from bench.broadcast.peers import PEERS
from bench.broadcast.peers.arena import Arena, Result, is_there, race
from kadeploy.testing.namespaces import network

NODES = 10
MEGABYTES = 48
RATE = 100  # Mbit/s
MORE = 4  # times the ideal that a way may take, beside what unicast needs: as many times as there are nodes


def peers(asked: Asked) -> list[Figure]:
    image, manifest = made(asked.directory, asked.megabytes(MEGABYTES))
    nodes = asked.nodes(NODES)
    ideal = manifest.size * 8 / (RATE * 1e6)
    figures = []
    for name, peer in PEERS.items():
        if not is_there(peer):
            print(f"peers    {name}: not measured, {peer.needs} is not installed")
            continue
        well = _run(asked, name, image, ideal, 0)
        ill = _run(asked, name, image, ideal, nodes // 2)
        figures += [
            Figure(bench="peers", what=f"{name}: time / ideal", value=well.seconds / ideal, detail=_said(well)),
            Figure(
                bench="peers", what=f"{name}: bytes sent by the server / image", value=well.server_bytes / manifest.size
            ),
            Figure(bench="peers", what=f"{name}: processor s / GB delivered", value=_cost(well, manifest.size)),
            Figure(
                bench="peers",
                what=f"{name}: share of survivors that complete",
                value=ill.complete / ill.expected,
                detail=f"one of {nodes} killed at 50 %: {_said(ill)}",
            ),
        ]
    return figures


def _run(asked: Asked, name: str, image: Path, ideal: float, victim: int) -> Result:
    own = asked.directory / f"{name}-{victim}"
    own.mkdir()
    with network(asked.nodes(NODES) + 1, rate=f"{RATE}mbit") as hosts:
        arena = Arena(
            hosts=hosts,
            image=image,
            directory=own,
            limit=(asked.nodes(NODES) + MORE) * ideal,
            victim=victim,
            kill_at=ideal / 2,
        )
        result = race(PEERS[name], arena)
    for copy in own.glob("copy-*"):
        copy.unlink()
    return result


def _cost(result: Result, size: int) -> float:
    return result.processor / max(1, result.complete) / (size / GB)


def _said(result: Result) -> str:
    took = f" in {result.seconds:.1f} s" if result.complete else ", and the time was over"
    return f"{result.complete} of {result.expected} nodes{took}"
