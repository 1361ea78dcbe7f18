"""The right bytes to everybody, when nothing goes wrong."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from kadeploy.broadcast.digests import KNOWN, best_of
from kadeploy.broadcast.manifest import Manifests
from kadeploy.broadcast.order import Member
from kadeploy.broadcast.sink import SinkKind, SinkOrder
from kadeploy.broadcast.source import Head
from kadeploy.testing.chain import RelayProcess, give_orders, relays, started
from tests.integration.broadcast.conftest import SIZE, Image


def test_every_node_gets_the_image_and_the_head_gives_it_once(image: Image) -> None:
    with relays(8) as nodes, started(Head(image.path, image.manifest, host="127.0.0.1")) as head:
        give_orders(head, nodes, image.file_of)
        outcomes = [node.outcome() for node in nodes]
        assert head.served["node-1"] == SIZE
    for number, (node, outcome) in enumerate(zip(nodes, outcomes, strict=True)):
        assert outcome is not None
        assert outcome.reason is None
        assert outcome.sources == (f"node-{number}" if number else "server",)
        assert outcome.progress.written == SIZE
        assert image.is_whole(node.name)


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1])
def test_one_node_and_any_size(tmp_path: Path, size: int) -> None:
    image = Image(tmp_path, random.Random(size).randbytes(size))
    with relays(1) as nodes, started(Head(image.path, image.manifest, host="127.0.0.1")) as head:
        give_orders(head, nodes, image.file_of)
        outcome = nodes[0].outcome()
    assert outcome is not None
    assert outcome.ok
    assert image.is_whole("node-1")


def test_an_image_larger_than_the_memory_passes_through_a_window(image: Image) -> None:
    slow = SinkOrder(kind=SinkKind.COMMAND, commands=(("sh", "-c", "sleep 0.2; exec sha256sum"), ("cat",)))
    with relays(3) as nodes, started(Head(image.path, image.manifest, host="127.0.0.1")) as head:
        sinks = {"node-1": image.file_of("node-1"), "node-2": slow, "node-3": image.file_of("node-3")}
        give_orders(head, nodes, sinks.__getitem__, spool_limit=4 << 20)
        assert [outcome and outcome.reason for outcome in [node.outcome() for node in nodes]] == [None] * 3
    assert image.is_whole("node-1")
    assert image.is_whole("node-3")


def test_a_late_node_is_let_in(image: Image) -> None:
    with relays(3) as nodes, started(Head(image.path, image.manifest, host="127.0.0.1", rate=20_000_000)) as head:
        orders = give_orders(head, nodes[:2], image.file_of)
        nodes[0].wait_begun()
        late = replace(orders["node-1"], me="node-3", order=tuple(node.member for node in nodes))
        nodes[2].order(late, image.file_of("node-3"))
        outcomes = [node.outcome() for node in nodes]
        assert sum(head.served.values()) == SIZE
    assert all(outcome and outcome.ok for outcome in outcomes)
    assert all(image.is_whole(node.name) for node in nodes)


def test_a_node_stops_when_it_is_told_to(image: Image) -> None:
    with relays(1) as nodes, started(Head(image.path, image.manifest, host="127.0.0.1", rate=1_000_000)) as head:
        give_orders(head, nodes, image.file_of)
        nodes[0].wait_begun()
        nodes[0].stop()
        outcome = nodes[0].outcome()
    assert outcome is not None
    assert outcome.reason == "stopped before the end"
    assert not list(image.directory.glob("copy-*"))


def test_a_broadcast_without_a_head_says_so(image: Image) -> None:
    head = Head(image.path, image.manifest, host="127.0.0.1")
    head.start()
    head.stop()
    with relays(2) as nodes:
        give_orders(head, nodes, image.file_of, patience=1.0)
        reasons = []
        for outcome in [node.outcome() for node in nodes]:
            assert outcome is not None
            assert outcome.reason is not None
            assert outcome.reason.startswith("no bytes for 1 s: ")
            reasons.append(outcome.reason)
        assert reasons[0].endswith("server: cannot connect: Connection refused")


def test_a_head_that_comes_back_goes_on(image: Image) -> None:
    first = Head(image.path, image.manifest, host="127.0.0.1", rate=12_000_000)
    again = {"broadcast": first.broadcast, "secret": first.secret, "port": first.port}
    with relays(2) as nodes:
        with started(first):
            give_orders(first, nodes, image.file_of)
            nodes[1].wait_begun()
        with started(Head(image.path, image.manifest, host="127.0.0.1", **again)) as second:  # type: ignore[arg-type]
            outcomes = [node.outcome() for node in nodes]
            assert 0 < second.served["node-1"] < SIZE
    assert all(outcome and outcome.ok for outcome in outcomes)
    assert all(image.is_whole(node.name) for node in nodes)


def test_progress_is_told(image: Image) -> None:
    with relays(1) as nodes, started(Head(image.path, image.manifest, host="127.0.0.1", rate=16_000_000)) as head:
        give_orders(head, nodes, image.file_of)
        node: RelayProcess = nodes[0]
        node.wait_progress(
            lambda one: 0 < one.written <= one.verified <= one.received < SIZE and one.source == "server"
        )
        outcome = node.outcome()
    assert outcome is not None
    assert outcome.progress.received == outcome.progress.verified == outcome.progress.written == SIZE


def test_a_head_that_never_started_can_be_stopped(image: Image) -> None:
    Head(image.path, image.manifest, host="127.0.0.1").stop()


def test_each_node_checks_by_the_best_digest_it_knows(image: Image) -> None:
    manifests = Manifests(image.path)
    with contextlib.ExitStack() as stack:
        nodes = stack.enter_context(relays(2))
        lacking = RelayProcess("node-0", lacks="blake3")
        stack.callback(lacking.end)
        nodes.append(lacking)
        assert [node.digests for node in nodes] == [list(KNOWN), list(KNOWN), ["sha256"]]
        head = stack.enter_context(started(Head(image.path, manifests.by(best_of(KNOWN)), host="127.0.0.1")))
        orders = give_orders(head, nodes, image.file_of, manifests=manifests)
        given = {name: order.manifest.algorithm for name, order in orders.items()}
        assert given == {"node-1": best_of(KNOWN), "node-2": best_of(KNOWN), "node-0": "sha256"}
        for node in nodes:
            outcome = node.outcome()
            assert outcome is not None
            assert outcome.ok, outcome.reason
            assert outcome.progress.verified == SIZE
            assert image.is_whole(node.name)


def test_a_node_that_is_told_a_digest_it_lacks_says_so(image: Image) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kadeploy.broadcast.standalone"],
        input=json.dumps({"orders": orders_with(image, "rot13"), "sink": image.file_of("node-1").to_json()}) + "\n",
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "checked by 'rot13', and this machine knows only" in done.stderr


def orders_with(image: Image, algorithm: str) -> dict[str, object]:
    head = Head(image.path, image.manifest, host="127.0.0.1")
    head.stop()
    orders = head.orders([Member(name="node-1", host="127.0.0.1", port=1)], host="127.0.0.1")["node-1"].to_json()
    return {**orders, "manifest": {**orders["manifest"], "algorithm": algorithm}}
