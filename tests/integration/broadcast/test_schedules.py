"""Kills, stalls and restarts of the head by lot, on real processes: whoever says done has every byte, and all who live
say it."""

from __future__ import annotations

import random
import signal

import pytest

from kadeploy.broadcast.source import Head
from kadeploy.testing.chain import RelayProcess, relays, started
from tests.integration.broadcast.conftest import SIZE, Image

STALL = 0.5
RATE = 8_000_000  # bytes a second: about 1.5 s for the image
NODES = 6
BLOWS = 4


def strike(lots: random.Random, node: RelayProcess, stopped: set[str], dead: set[str]) -> None:
    """One that is stopped wakes or dies at the next blow."""
    if node.name in dead:
        return
    blow = lots.choice([signal.SIGCONT, signal.SIGKILL] if node.name in stopped else [signal.SIGSTOP, signal.SIGKILL])
    node.send(blow)
    stopped.discard(node.name)
    if blow is signal.SIGSTOP:
        stopped.add(node.name)
    elif blow is signal.SIGKILL:
        dead.add(node.name)


@pytest.mark.parametrize("seed", range(4))
def test_any_schedule(image: Image, seed: int) -> None:
    lots, stopped, dead = random.Random(seed), set[str](), set[str]()
    head = Head(image.path, image.manifest, host="127.0.0.1", rate=RATE, stall=STALL)
    again = {"broadcast": head.broadcast, "secret": head.secret, "port": head.port}
    marks = sorted(lots.randrange(SIZE // 20, SIZE * 9 // 10) for _ in range(BLOWS))
    restart = lots.choice(marks)
    with relays(NODES) as nodes:
        with started(head):
            orders = head.orders([node.member for node in nodes], host="127.0.0.1")
            for node in nodes:
                node.order(orders[node.name], image.file_of(node.name))
            for mark in [one for one in marks if one <= restart]:
                wait_for(nodes, mark, stopped | dead)
                strike(lots, lots.choice(nodes), stopped, dead)
        with started(Head(image.path, image.manifest, host="127.0.0.1", rate=RATE, stall=STALL, **again)):  # type: ignore[arg-type]
            for mark in [one for one in marks if one > restart]:
                wait_for(nodes, mark, stopped | dead)
                strike(lots, lots.choice(nodes), stopped, dead)
            for node in nodes:
                if node.name in stopped:
                    node.send(signal.SIGCONT)
            outcomes = {node.name: node.outcome() for node in nodes}
    assert {name for name, outcome in outcomes.items() if outcome is None} <= dead
    assert {name: outcome.reason for name, outcome in outcomes.items() if outcome and not outcome.ok} == {}
    assert all(image.is_whole(name) for name, outcome in outcomes.items() if outcome)


def wait_for(nodes: list[RelayProcess], mark: int, out: set[str]) -> None:
    """Until the last of those that go on has so many bytes."""
    going = [node for node in nodes if node.name not in out]
    if going:
        going[-1].wait_progress(lambda progress: progress.received >= mark)
