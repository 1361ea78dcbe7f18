from __future__ import annotations

import json

import pytest

from kadeploy.broadcast.account import account
from kadeploy.broadcast.manifest import manifest_from
from kadeploy.broadcast.order import Member, Shape
from kadeploy.broadcast.reception import Limits, Outcome, Progress, Reception
from kadeploy.broadcast.sink import SinkKind, SinkOrder
from kadeploy.domain.spread import Spread

CHAIN = tuple(Member(name=f"node-{number}", host=f"10.0.0.{number}", port=4000 + number) for number in (1, 2, 3))
ORDERS = Reception(
    broadcast=bytes(16),
    secret=b"s" * 32,
    me="node-2",
    order=CHAIN,
    head=Member(name="server", host="10.0.0.254", port=3999),
    manifest=manifest_from(5, 5, [bytes(32)]),
    shape=Shape(form=Spread.TREE, arity=3),
    limits=Limits(stall=1.5, spool_share=0.25),
)


def test_orders_travel_as_json() -> None:
    assert Reception.from_json(json.loads(json.dumps(ORDERS.to_json()))) == ORDERS
    assert ORDERS.rank == 1


def test_orders_for_a_node_without_a_place_are_refused() -> None:
    with pytest.raises(ValueError, match="node-9 has no place"):
        Reception.from_json({**ORDERS.to_json(), "me": "node-9"})


def test_outcomes_travel_as_json() -> None:
    progress = Progress(received=1, verified=2, written=3, source="node-1")
    outcome = Outcome(reason="it broke", progress=progress, repaired=("chunk 1",), sources=("server",))
    assert Outcome.from_json(json.loads(json.dumps(outcome.to_json()))) == outcome
    assert not outcome.ok


def test_how_it_went_in_words() -> None:
    progress = Progress(received=1, verified=1, written=1, source="node-1")
    outcome = Outcome(
        reason=None,
        progress=progress,
        repaired=("chunk 4 (byte 4194304) came bad from node-1",),
        sources=("node-1", "server"),
        moved="its disk is slow",
        received_after=20.14,
        written_after=25.0,
    )
    assert account(outcome).splitlines() == [
        "received in 20.1 s from node-1, then server, written after 25.0 s",
        "chunk 4 (byte 4194304) came bad from node-1, and was fetched again",
        "moved to the end of the chain: its disk is slow",
    ]


def test_sinks_travel_as_json() -> None:
    order = SinkOrder(kind=SinkKind.COMMAND, path="/mnt", commands=(("zstd", "-dc"), ("tar", "-x")))
    assert SinkOrder.from_json(json.loads(json.dumps(order.to_json()))) == order
