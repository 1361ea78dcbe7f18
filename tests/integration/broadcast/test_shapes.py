"""One protocol, several shapes; and several broadcasts at once."""

from __future__ import annotations

from collections.abc import Callable

from kadeploy.broadcast.allowance import Allowance
from kadeploy.broadcast.order import Shape
from kadeploy.broadcast.sink import SinkOrder
from kadeploy.broadcast.source import Head
from kadeploy.domain.spread import Spread
from kadeploy.testing.chain import RelayProcess, give_orders, relays, started
from tests.integration.broadcast.conftest import SIZE, Image


def sent(image: Image, count: int, shape: Shape) -> dict[str, tuple[str, ...]]:
    """Whom each node read from; all have every byte."""
    with relays(count) as nodes, started(Head(image.path, image.manifest, host="127.0.0.1", rate=32_000_000)) as head:
        orders = head.orders([node.member for node in nodes], host="127.0.0.1", shape=shape)
        for node in nodes:
            node.order(orders[node.name], image.file_of(node.name))
        outcomes = {node.name: node.outcome() for node in nodes}
    assert all(outcome and outcome.ok for outcome in outcomes.values())
    assert all(image.is_whole(name) for name in outcomes)
    return {name: outcome.sources for name, outcome in outcomes.items() if outcome}


def test_a_chain_for_each_rack(image: Image) -> None:
    assert sent(image, 6, Shape(starts=(0, 3))) == {
        "node-1": ("server",),
        "node-2": ("node-1",),
        "node-3": ("node-2",),
        "node-4": ("server",),
        "node-5": ("node-4",),
        "node-6": ("node-5",),
    }


def test_a_tree(image: Image) -> None:
    assert sent(image, 6, Shape(form=Spread.TREE, arity=2)) == {
        "node-1": ("server",),
        "node-2": ("server",),
        "node-3": ("node-1",),
        "node-4": ("node-1",),
        "node-5": ("node-2",),
        "node-6": ("node-2",),
    }


def test_everybody_from_the_server(image: Image) -> None:
    assert set(sent(image, 4, Shape(form=Spread.UNICAST)).values()) == {("server",)}


def test_broadcasts_at_once_share_what_the_server_may_send(image: Image) -> None:
    """Two of them, one to twice as many nodes directly: neither gets more than its half."""
    allowance = Allowance(8_000_000)
    heads = [Head(image.path, image.manifest, host="127.0.0.1", allowance=allowance) for _ in range(2)]
    with relays(3) as nodes, started(heads[0]) as one, started(heads[1]) as other:
        give(one, nodes[:1], image.file_of)
        give(other, nodes[1:], image.file_of)
        outcomes = [node.outcome() for node in nodes]
    assert all(outcome and outcome.ok for outcome in outcomes)
    alone, first, second = (outcome.received_after or 0.0 for outcome in outcomes if outcome)
    assert alone > 0.8 * 2 * SIZE / allowance.rate  # its half, while the other two were fed
    assert max(first, second) > 0.8 * 3 * SIZE / allowance.rate


def test_a_limit_counts_for_a_broadcast_that_began_without_one(image: Image) -> None:
    allowance = Allowance()
    head = Head(image.path, image.manifest, host="127.0.0.1", allowance=allowance)
    with relays(1) as nodes, started(head):
        allowance.rate = 8_000_000
        give(head, nodes, image.file_of)
        outcome = nodes[0].outcome()
    assert outcome is not None
    assert (outcome.received_after or 0.0) > 0.8 * SIZE / allowance.rate


def test_a_node_that_may_not_send_more_is_no_slow_one(image: Image) -> None:
    """The server could give it all at once, and gives to the first one only."""
    with relays(3) as nodes, started(Head(image.path, image.manifest, host="127.0.0.1")) as head:
        give_orders(head, nodes, image.file_of, rate=2_500_000)
        outcomes = [node.outcome() for node in nodes]
        asked = {name: given for name, given in head.served.items() if name != "node-1"}
    assert [(outcome.sources, outcome.moved) for outcome in outcomes if outcome] == [
        (("server",), ""),
        (("node-1",), ""),
        (("node-2",), ""),
    ]
    assert sum(asked.values()) <= 1 << 20  # once, how fast the server could give


def give(head: Head, nodes: list[RelayProcess], sink: Callable[[str], SinkOrder]) -> None:
    shape = Shape(form=Spread.UNICAST)
    orders = head.orders([node.member for node in nodes], host="127.0.0.1", shape=shape)
    for node in nodes:
        node.order(orders[node.name], sink(node.name))
