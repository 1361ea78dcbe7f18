"""Links that are slow, cut or unreliable, between hosts in network namespaces: the others do not mind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kadeploy.broadcast.order import MOVED
from kadeploy.broadcast.sink import SinkKind, SinkOrder
from kadeploy.broadcast.source import Head
from kadeploy.testing.chain import RelayProcess, give_orders, relays, started
from kadeploy.testing.namespaces import Host, inside, network
from tests.integration.broadcast.conftest import SIZE, Image

pytestmark = [
    pytest.mark.netns,
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
]
STALL = 1.0
SLACK = 4.0  # seconds: this machine is shared
FAST = 50  # Mbit/s: two seconds for the image


@contextmanager
def joined(
    count: int, image: Image, slow: dict[int, str] | None = None
) -> Iterator[tuple[Head, list[RelayProcess], list[Host]]]:
    with (
        network(count + 1, rate=f"{FAST}mbit", rates=slow or {}) as hosts,
        relays(count, hosts[1:]) as nodes,
    ):
        with inside(hosts[0]):
            head = Head(image.path, image.manifest, host=hosts[0].address, stall=STALL)
        with started(head):
            yield head, nodes, hosts


def check(image: Image, nodes: list[RelayProcess]) -> None:
    assert [outcome and outcome.reason for outcome in [node.outcome() for node in nodes]] == [None] * len(nodes)
    assert all(image.is_whole(node.name) for node in nodes)


@pytest.mark.parametrize("number", [3, 1], ids=["in the middle", "the first"])
def test_a_slow_link_holds_back_its_own_node_only(image: Image, number: int) -> None:
    """It has its link back when all others are through."""
    with joined(5, image, {number: "5mbit"}) as (head, nodes, hosts):
        give_orders(head, nodes, image.file_of, host=hosts[0].address)
        slow = nodes[number - 1]
        for node in nodes:
            if node is not slow:
                node.wait_progress(lambda one: one.written == SIZE)
        assert slow.progress is None or slow.progress.written < SIZE
        hosts[number].relink(f"{FAST}mbit")
        check(image, nodes)
        assert slow.progress is not None
        assert slow.progress.rank >= MOVED


def test_a_slow_disk_behind_a_full_memory_holds_back_its_own_node_only(image: Image, tmp_path: Path) -> None:
    """It takes nothing until all others are through."""
    freed = tmp_path / "freed"
    script = f"until [ -e {freed} ]; do sleep 0.05; done; exec cat"
    slow = SinkOrder(kind=SinkKind.COMMAND, commands=(("sh", "-c", script), ("sha256sum",)))
    with joined(4, image) as (head, nodes, hosts):
        sinks = {node.name: slow if node.name == "node-2" else image.file_of(node.name) for node in nodes}
        give_orders(head, nodes, sinks.__getitem__, host=hosts[0].address, spool_limit=4 << 20, spool_least=0)
        for node in (nodes[0], *nodes[2:]):
            node.wait_progress(lambda one: one.written == SIZE)
        freed.touch()
        assert [outcome and outcome.reason for outcome in [node.outcome() for node in nodes]] == [None] * 4


def test_two_neighbours_that_no_longer_hear_each_other(image: Image) -> None:
    with joined(4, image) as (head, nodes, hosts):
        began = time.monotonic()
        give_orders(head, nodes, image.file_of, host=hosts[0].address)
        nodes[3].wait_begun()
        hosts[2].part_from([hosts[3]])
        hosts[3].part_from([hosts[2]])
        check(image, nodes)
        assert time.monotonic() - began < SIZE * 8 / FAST / 1e6 + STALL + SLACK


def test_a_part_that_is_cut_off_from_the_server_goes_on_when_it_can(image: Image) -> None:
    with joined(4, image) as (head, nodes, hosts):
        give_orders(head, nodes, image.file_of, host=hosts[0].address)
        nodes[3].wait_begun()
        for one in hosts[3:]:
            one.part_from(hosts[:3])
        for node in nodes[:2]:
            node.wait_progress(lambda progress: progress.received == SIZE)
        for one in hosts[3:]:
            subprocess.run(["ip", "netns", "exec", one.namespace, "nft", "flush", "ruleset"], check=True)
        check(image, nodes)


def test_connections_that_are_refused_are_tried_again(image: Image) -> None:
    """Far more than one of a hundred, for there are few."""
    with joined(6, image) as (head, nodes, hosts):
        for one in hosts:
            one.refuse(20)
        give_orders(head, nodes, image.file_of, host=hosts[0].address)
        nodes[5].wait_begun()
        nodes[2].send(signal.SIGKILL)
        check(image, [node for node in nodes if node.name != "node-3"])


def test_a_full_disk_fails_its_own_node_only(image: Image, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", small], check=True)
    try:
        with relays(3) as nodes, started(Head(image.path, image.manifest, host="127.0.0.1")) as head:
            sinks = {node.name: image.file_of(node.name) for node in nodes}
            sinks["node-2"] = SinkOrder(kind=SinkKind.FILE, path=str(small / "copy"))
            give_orders(head, nodes, sinks.__getitem__)
            reasons = [outcome and outcome.reason for outcome in [node.outcome() for node in nodes]]
        assert reasons == [None, f"{small}/copy: No space left on device", None]
        assert not list(small.iterdir())
        assert image.is_whole("node-3")
    finally:
        subprocess.run(["umount", small], check=True)
