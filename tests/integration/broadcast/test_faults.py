"""Nodes that die: the others get every byte, and lose no more time than it takes to see it."""

from __future__ import annotations

import os
import signal
import time

import pytest

from kadeploy.broadcast.source import Head
from kadeploy.testing.chain import RelayProcess, give_orders, relays, started
from kadeploy.testing.namespaces import inside, network
from tests.integration.broadcast.conftest import SIZE, Image

STALL = 1.0
RATE = 16_000_000  # bytes a second: about 0.8 s for the image
SLACK = 3.0  # seconds: this machine is shared


def check(image: Image, nodes: list[RelayProcess], dead: set[str], began: float, most: float) -> None:
    """Everybody but the dead is whole, and was in time."""
    for node in nodes:
        outcome = node.outcome()
        if node.name in dead:
            assert outcome is None
        else:
            assert outcome is not None, node.name
            assert outcome.reason is None, node.name
            assert image.is_whole(node.name)
            assert node.ended_at - began < SIZE / RATE + most + SLACK, node.name


@pytest.mark.parametrize("dead", [{1}, {6}, {2, 3, 5}, {1, 2, 3, 4, 5}], ids=str)
def test_killed_in_the_middle(image: Image, dead: set[int]) -> None:
    with (
        relays(6) as nodes,
        started(Head(image.path, image.manifest, host="127.0.0.1", rate=RATE, stall=STALL)) as head,
    ):
        began = time.monotonic()
        give_orders(head, nodes, image.file_of)
        nodes[5].wait_begun()
        for number in dead:
            nodes[number - 1].send(signal.SIGKILL)
        # A socket closes with its process: nobody has to wait to see it.
        check(image, nodes, {f"node-{number}" for number in dead}, began, 0)


def test_killed_before_it_connects(image: Image) -> None:
    with (
        relays(5) as nodes,
        started(Head(image.path, image.manifest, host="127.0.0.1", rate=RATE, stall=STALL)) as head,
    ):
        for number in (2, 3):
            nodes[number - 1].send(signal.SIGKILL)
            nodes[number - 1].process.wait()
        began = time.monotonic()
        orders = head.orders([node.member for node in nodes], host="127.0.0.1")
        for node in (nodes[0], nodes[3], nodes[4]):
            node.order(orders[node.name], image.file_of(node.name))
        check(image, nodes, {"node-2", "node-3"}, began, 0)


def test_one_that_hangs_is_skipped_and_ends_well_when_it_wakes(image: Image) -> None:
    with (
        relays(5) as nodes,
        started(Head(image.path, image.manifest, host="127.0.0.1", rate=RATE, stall=STALL)) as head,
    ):
        began = time.monotonic()
        give_orders(head, nodes, image.file_of)
        nodes[4].wait_begun()
        nodes[1].send(signal.SIGSTOP)
        others = [nodes[0], *nodes[2:]]
        for node in others[1:]:
            node.wait_progress(lambda one: one.received == SIZE)
        nodes[1].send(signal.SIGCONT)
        check(image, nodes, set(), began, 2 * STALL)
        assert all(node.ended_at - began < SIZE / RATE + STALL + SLACK for node in others[1:])


def test_two_neighbours_that_hang_cost_little_more_than_one(image: Image) -> None:
    with (
        relays(6) as nodes,
        started(Head(image.path, image.manifest, host="127.0.0.1", rate=RATE, stall=STALL)) as head,
    ):
        began = time.monotonic()
        give_orders(head, nodes, image.file_of)
        nodes[5].wait_begun()
        for number in (2, 3):
            nodes[number - 1].send(signal.SIGSTOP)
        for node in nodes[3:]:
            node.wait_progress(lambda one: one.received == SIZE)
        # One detection time, and for the second one the short time a hello may take.
        assert time.monotonic() - began < SIZE / RATE + 1.25 * STALL + SLACK
        for number in (2, 3):
            nodes[number - 1].send(signal.SIGKILL)
        check(image, nodes, {"node-2", "node-3"}, began, 2 * STALL)


@pytest.mark.netns
@pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
def test_unplugged_neighbours(image: Image) -> None:
    with network(6, rate="100mbit") as hosts, relays(5, hosts[1:]) as nodes:
        with inside(hosts[0]):
            head = Head(image.path, image.manifest, host=hosts[0].address, stall=STALL)
        with started(head):
            began = time.monotonic()
            give_orders(head, nodes, image.file_of, host=hosts[0].address)
            nodes[4].wait_begun()
            for number in (2, 3):
                hosts[number].unplug()
            for node in (nodes[0], *nodes[3:]):
                node.wait_progress(lambda one: one.received == SIZE)
            assert time.monotonic() - began < SIZE * 8 / 100e6 + 1.25 * STALL + SLACK
            for number in (2, 3):
                nodes[number - 1].send(signal.SIGKILL)
            check(image, nodes, {"node-2", "node-3"}, began, 2 * STALL)
