"""Those behind a slow node are told of it, and read from the one before; nobody else minds."""

from __future__ import annotations

import functools
import secrets
import signal
from collections.abc import Callable

from kadeploy.broadcast.heal import Timing
from kadeploy.broadcast.herald import Herald
from kadeploy.broadcast.link import Link, dial
from kadeploy.broadcast.reception import Reception
from kadeploy.broadcast.source import Head
from kadeploy.broadcast.wire import NONCE_SIZE, Hello, Kind
from kadeploy.testing.chain import LONGEST, RelayProcess, give_orders, relays, started
from tests.integration.broadcast.conftest import Image

RATE = 6_000_000  # bytes a second: two seconds for the image


def reach(
    orders: Reception, rank: int, offset: int, end: int, *, ranged: bool, patient: bool = False, answer: float
) -> Link:
    """As the node whose orders these are."""
    hello = Hello(
        broadcast=orders.broadcast,
        nonce=secrets.token_bytes(NONCE_SIZE),
        name=orders.me,
        rank=orders.rank,
        offset=offset,
        end=end,
        ranged=ranged,
    )
    return dial(orders.order[rank], hello, orders.secret, Timing(), connect=1.0, answer=answer)


def tell_behind(orders: Reception) -> None:
    """That node 2 is slow."""
    Herald(orders, functools.partial(reach, orders)).tell_of(1)


def tell_last(orders: Reception) -> None:
    """The same, to node 5."""
    link = reach(orders, 4, 0, 0, ranged=True, answer=1.0)
    link.tell(Kind.SLOW, value=1)
    link.tell(Kind.BYE)
    while link.next_frame(lambda: None).kind is not Kind.END:
        pass
    link.close()


def sources_when_told(
    image: Image, tell: Callable[[Reception], None], *, moved: list[str], dead: int | None = None
) -> dict[str, tuple[str, ...]]:
    """Whom each of five nodes reads from, where node 1 says something in the middle, and those `moved` to the end."""
    with relays(5) as nodes, started(Head(image.path, image.manifest, host="127.0.0.1", rate=RATE, stall=1.0)) as head:
        orders = give_orders(head, nodes, image.file_of)
        for node in nodes:
            node.wait_begun()
        if dead is not None:
            nodes[dead].send(signal.SIGKILL)
            nodes[dead].process.wait(LONGEST)
        tell(orders[nodes[0].name])
        outcomes = [(node, node.outcome()) for node in nodes]
    assert all(outcome.ok and image.is_whole(node.name) for node, outcome in outcomes if outcome)
    assert [node.name for node, outcome in outcomes if outcome is None] == named(nodes, dead)
    assert [node.name for node, outcome in outcomes if outcome and outcome.moved] == moved
    return {node.name: outcome.sources for node, outcome in outcomes if outcome}


def named(nodes: list[RelayProcess], rank: int | None) -> list[str]:
    return [] if rank is None else [nodes[rank].name]


def test_the_next_one_reads_from_the_one_before(image: Image) -> None:
    sources = sources_when_told(image, tell_behind, moved=["node-2"])
    assert sources.pop("node-2")[0] == "node-1"
    assert sources == {
        "node-1": ("server",),
        "node-3": ("node-2", "node-1"),
        "node-4": ("node-3",),
        "node-5": ("node-4",),
    }


def test_where_the_next_one_is_dead_the_one_after_it_is_told(image: Image) -> None:
    sources = sources_when_told(image, tell_behind, moved=["node-2"], dead=2)
    assert sources["node-4"][-1] == "node-1"


def test_word_of_one_that_is_nobodys_source_changes_nothing(image: Image) -> None:
    assert sources_when_told(image, tell_last, moved=[])["node-5"] == ("node-4",)
