"""Nodes that die: the others get every byte. (What it costs them is measured by `bench.broadcast`.)"""

from __future__ import annotations

import os
import signal

import pytest

from kadeploy.broadcast.source import Head
from kadeploy.testing.chain import RelayProcess, give_orders, relays, started
from kadeploy.testing.namespaces import inside, network
from tests.integration.broadcast.conftest import SIZE, Image

STALL = 1.0
RATE = 16_000_000  # bytes a second: about 0.8 s for the image


def check(image: Image, nodes: list[RelayProcess], dead: set[str]) -> None:
    """Everybody but the dead is whole."""
    for node in nodes:
        outcome = node.outcome()
        if node.name in dead:
            assert outcome is None
        else:
            assert outcome is not None, node.name
            assert outcome.reason is None, node.name
            assert image.is_whole(node.name)


@pytest.mark.parametrize("dead", [{1}, {6}, {2, 3, 5}, {1, 2, 3, 4, 5}], ids=str)
def test_killed_in_the_middle(image: Image, dead: set[int]) -> None:
    with (
        relays(6) as nodes,
        started(Head(image.path, image.manifest, host="127.0.0.1", rate=RATE, stall=STALL)) as head,
    ):
        give_orders(head, nodes, image.file_of)
        nodes[5].wait_begun()
        for number in dead:
            nodes[number - 1].send(signal.SIGKILL)
        # A socket closes with its process: nobody has to wait to see it.
        check(image, nodes, {f"node-{number}" for number in dead})


def test_killed_before_it_connects(image: Image) -> None:
    with (
        relays(5) as nodes,
        started(Head(image.path, image.manifest, host="127.0.0.1", rate=RATE, stall=STALL)) as head,
    ):
        for number in (2, 3):
            nodes[number - 1].send(signal.SIGKILL)
            nodes[number - 1].process.wait()
        orders = head.orders([node.member for node in nodes], host="127.0.0.1")
        for node in (nodes[0], nodes[3], nodes[4]):
            node.order(orders[node.name], image.file_of(node.name))
        check(image, nodes, {"node-2", "node-3"})


def test_one_that_hangs_is_skipped_and_ends_well_when_it_wakes(image: Image) -> None:
    with (
        relays(5) as nodes,
        started(Head(image.path, image.manifest, host="127.0.0.1", rate=RATE, stall=STALL)) as head,
    ):
        give_orders(head, nodes, image.file_of)
        nodes[4].wait_begun()
        nodes[1].send(signal.SIGSTOP)
        others = [nodes[0], *nodes[2:]]
        for node in others[1:]:
            node.wait_progress(lambda one: one.received == SIZE)
        nodes[1].send(signal.SIGCONT)
        check(image, nodes, set())


def test_two_neighbours_that_hang_are_skipped(image: Image) -> None:
    with (
        relays(6) as nodes,
        started(Head(image.path, image.manifest, host="127.0.0.1", rate=RATE, stall=STALL)) as head,
    ):
        give_orders(head, nodes, image.file_of)
        nodes[5].wait_begun()
        for number in (2, 3):
            nodes[number - 1].send(signal.SIGSTOP)
        for node in nodes[3:]:
            node.wait_progress(lambda one: one.received == SIZE)
        for number in (2, 3):
            nodes[number - 1].send(signal.SIGKILL)
        check(image, nodes, {"node-2", "node-3"})


@pytest.mark.netns
@pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
def test_unplugged_neighbours(image: Image) -> None:
    with network(6, rate="100mbit") as hosts, relays(5, hosts[1:]) as nodes:
        with inside(hosts[0]):
            head = Head(image.path, image.manifest, host=hosts[0].address, stall=STALL)
        with started(head):
            give_orders(head, nodes, image.file_of, host=hosts[0].address)
            nodes[4].wait_begun()
            for number in (2, 3):
                hosts[number].unplug()
            for node in (nodes[0], *nodes[3:]):
                node.wait_progress(lambda one: one.received == SIZE)
            for number in (2, 3):
                nodes[number - 1].send(signal.SIGKILL)
            check(image, nodes, {"node-2", "node-3"})
