"""What a source does not hold against its reader: that it waited for a processor itself, or might not send more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadeploy.broadcast.allowance import Allowance
from kadeploy.broadcast.order import CHAIN, Member, Shape
from kadeploy.broadcast.pace import Look, Pace
from kadeploy.broadcast.reception import Limits, Reception
from kadeploy.domain.spread import Spread
from tests.unit.broadcast.test_spool import manifest

MB = 1_000_000
SIZE = 512 * MB
STREAM = 25 * MB  # bytes a second
NEVER = float("inf")

Course = Callable[[float], float]  # of something in all, by the moment


def at_share(share: float) -> Course:
    return lambda at: share * at


def none(at: float) -> float:
    return 0.0


def first_blame(*, taken: Course, waited: Course = none, withheld: Course = none, seconds: float = 10.0) -> float:
    """When a reader is found to hold others back, where bytes come evenly. `taken` is in seconds of the stream."""
    pace = Pace(0.1, SIZE)
    for at in (tick / 20 for tick in range(int(seconds * 20))):
        look = Look(at, int(STREAM * at), int(STREAM * taken(at)), waited=waited(at), withheld=withheld(at))
        if pace.is_holding_back(look):
            return at
    return NEVER


@pytest.mark.parametrize(("taken", "waited"), [(0.9, 0.1), (0.7, 0.15), (0.5, 0.25), (0.2, 0.4), (0.1, 0.45)])
def test_a_source_that_waited_excuses_its_reader_for_twice_as_long(taken: float, waited: float) -> None:
    assert first_blame(taken=at_share(taken), waited=at_share(waited)) == NEVER


@pytest.mark.parametrize(("taken", "waited"), [(0.1, 0.1), (0.1, 0.3), (0.5, 0.1), (0.01, 0.4)])
def test_but_not_one_that_is_slower_than_that_explains(taken: float, waited: float) -> None:
    assert first_blame(taken=at_share(taken), waited=at_share(waited)) < 5.0


@pytest.mark.parametrize("waited", [0.5, 0.8, 1.0])
def test_a_source_that_waits_half_of_the_time_blames_nobody(waited: float) -> None:
    assert first_blame(taken=none, waited=at_share(waited)) == NEVER


@given(taken=st.floats(0, 1), little=st.floats(0, 0.6), more=st.floats(0, 0.6))
def test_to_wait_longer_never_makes_a_source_stricter(taken: float, little: float, more: float) -> None:
    blames = [
        first_blame(taken=at_share(taken), waited=at_share(waited), seconds=4.0) for waited in sorted((little, more))
    ]
    assert blames[0] <= blames[1]


def test_an_excuse_is_for_its_time_alone() -> None:
    """The source was short of processors for a second, and is not any more; its reader fell behind after that."""

    def waited(at: float) -> float:
        return min(at, 1.0) * 0.4

    def taken(at: float) -> float:
        return at if at < 2 else 2 + (at - 2) / 10

    assert 2 < first_blame(taken=taken, waited=waited) <= first_blame(taken=taken) < NEVER


def test_nor_is_it_kept_for_later() -> None:
    """What a source has waited before it first looks counts for nothing."""
    assert first_blame(taken=at_share(0.1), waited=lambda at: 100.0) == first_blame(taken=at_share(0.1)) < 1


@pytest.mark.parametrize("limit", [0.02, 0.2, 0.5, 0.9])
def test_a_source_that_may_not_send_more_blames_no_reader(limit: float) -> None:
    """It is held to a share of what comes: it sends that, and withholds for the rest of the time."""
    assert first_blame(taken=at_share(limit), withheld=at_share(1 - limit)) == NEVER


@pytest.mark.parametrize("limit", [0.2, 0.5, 0.9])
def test_but_one_that_does_not_take_what_it_may_have(limit: float) -> None:
    """It takes a tenth of that, so for most of the time it is the reader that is waited for."""
    assert first_blame(taken=at_share(limit / 10), withheld=at_share((1 - limit) / 10)) < 2


def test_a_limited_source_whose_memory_is_full_blames_no_reader() -> None:
    """Nothing more comes than it may send: for the rest of the time there is no memory, for a reader that takes all."""
    pace, limit, memory = Pace(0.1, SIZE), STREAM / 5, 16 * MB
    came, blocked = 0.0, 0.0
    for tick in range(400):
        at = tick / 20
        came, before = min(STREAM * at, limit * at + memory), came
        blocked += (STREAM / 20 - (came - before)) / STREAM if tick else 0.0
        look = Look(at, int(came), int(limit * at), blocked, blocked, withheld=0.8 * at)
        assert not pace.is_holding_back(look), pace.said


@pytest.mark.parametrize("rate", [MB, 5 * MB, 20 * MB])
def test_an_allowance_withholds_what_a_limit_is_short_of(rate: int) -> None:
    """The two together: what a limited source waits for before each piece excuses a reader that takes all at once."""
    allowance, pace = Allowance(rate), Pace(0.1, SIZE)
    at, given_, withheld = 0.0, 0, 0.0
    while at < 8.0:
        waits = allowance.wait_for("reader", allowance.burst(), at)
        at, withheld, given_ = at + waits + 1e-4, withheld + waits, given_ + allowance.burst()
        assert not pace.is_holding_back(Look(at, int(STREAM * at), given_, withheld=withheld)), pace.said


def orders(rate: int, shape: Shape) -> Reception:
    member = Member(name="node-1", host="10.0.0.1", port=1)
    return Reception(
        broadcast=bytes(16),
        secret=b"",
        me="node-1",
        order=(member,),
        head=replace(member, name="server"),
        manifest=manifest(b"image"),
        shape=shape,
        limits=Limits(rate=rate),
    )


@pytest.mark.parametrize(
    ("rate", "shape", "most"),
    [
        (0, CHAIN, NEVER),
        (6 * MB, CHAIN, 6 * MB),
        (6 * MB, Shape(form=Spread.TREE, arity=3), 2 * MB),
    ],
)
def test_what_a_node_may_send_to_each_of_its_readers(rate: int, shape: Shape, most: float) -> None:
    assert orders(rate, shape).most_to_each == most
