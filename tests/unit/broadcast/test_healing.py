"""Any schedule of deaths, hangs, moves and bent links: every survivor ends with every byte or says why not, nobody says
done falsely, and no circle ever forms."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kadeploy.broadcast.order import HEAD_RANK, Shape
from kadeploy.domain.spread import Spread
from tests.unit.broadcast.healing import PATIENCE, STEP, TIMING, Model

SIZE = 40  # units
LONG = 4000  # steps: far more than any of these should take


class Blow(StrEnum):
    DEATH = "death"
    HANG = "hang"
    WAKE = "wake"
    SLOW = "slow"  # it is told to go to the end
    BEND = "bend"  # what it gives is wrong from now on
    MEND = "mend"
    HEAD_AWAY = "head away"
    HEAD_BACK = "head back"


Schedule = list[tuple[int, Blow, int]]
HEALTHY = [blow for blow in Blow if blow is not Blow.BEND]


def blows(kinds: Sequence[Blow]) -> st.SearchStrategy[Schedule]:
    return st.lists(st.tuples(st.integers(0, 60), st.sampled_from(kinds), st.integers(0, 11)), max_size=14)


shapes = st.one_of(
    st.just(Shape()),
    st.builds(lambda start: Shape(starts=(0, start)), st.integers(1, 11)),
    st.builds(lambda arity: Shape(form=Spread.TREE, arity=arity), st.integers(1, 3)),
    st.just(Shape(form=Spread.UNICAST)),
)


def strike(model: Model, blow: Blow, place: int) -> None:
    node = model.nodes[place % len(model.nodes)]
    match blow:
        case Blow.DEATH:
            node.killed, node.alive = True, False
        case Blow.HANG:
            node.awake = False
        case Blow.WAKE:
            node.awake = True
        case Blow.SLOW:
            model.move(node)
        case Blow.BEND:
            node.bends = True
        case Blow.MEND:
            node.bends = False
        case Blow.HEAD_AWAY:
            model.head.alive = False
        case Blow.HEAD_BACK:
            model.head.alive = True


def run(model: Model, schedule: Sequence[tuple[int, Blow, int]], *, head_comes_back: bool = True) -> None:
    """Until everybody has ended, one way or the other."""
    last = max((at for at, _, _ in schedule), default=0)
    for step in range(LONG):
        for at, blow, place in schedule:
            if at == step:
                strike(model, blow, place)
        if step == last + 1:  # what hangs for good is dead; the server is started again
            model.head.alive = model.head.alive or head_comes_back
            for node in model.nodes:
                node.killed = node.killed or not node.awake
                node.alive = node.alive and node.awake
        model.step()
        check(model)
        if step > last and all(map(model.has_ended, model.nodes)):
            return
    raise AssertionError("somebody neither ends nor says why")


def check(model: Model) -> None:
    for node in model.nodes:
        assert node.source is None or model.at(node.source).rank < node.rank
        assert node.received <= SIZE
        if model.is_done(node):
            assert node.units == list(range(SIZE))


@settings(max_examples=300, deadline=None)
@given(
    count=st.integers(1, 12),
    shape=shapes,
    window=st.sampled_from([3, 10, 1000]),
    schedule=blows(HEALTHY),
    seed=st.integers(0, 1000),
)
def test_every_survivor_ends_with_every_byte(
    count: int, shape: Shape, window: int, schedule: Schedule, seed: int
) -> None:
    model = Model(count, SIZE, shape, window, seed)
    run(model, schedule)
    assert all(model.is_done(node) for node in model.nodes if not node.killed)


@settings(max_examples=300, deadline=None)
@given(
    count=st.integers(1, 12),
    shape=shapes,
    window=st.sampled_from([3, 10, 1000]),
    schedule=blows(list(Blow)),
    seed=st.integers(0, 1000),
)
def test_bent_links_cost_nobody_its_bytes(count: int, shape: Shape, window: int, schedule: Schedule, seed: int) -> None:
    """The head's own are right: whatever comes bad from others is had from it."""
    model = Model(count, SIZE, shape, window, seed)
    run(model, schedule)
    assert all(model.is_done(node) for node in model.nodes if not node.killed)


@settings(max_examples=200, deadline=None)
@given(
    count=st.integers(1, 12),
    shape=shapes,
    window=st.sampled_from([3, 10, 1000]),
    schedule=blows(list(Blow)),
    seed=st.integers(0, 1000),
)
def test_without_the_head_those_who_lack_bytes_say_so(
    count: int, shape: Shape, window: int, schedule: Schedule, seed: int
) -> None:
    model = Model(count, SIZE, shape, window, seed)
    run(model, schedule, head_comes_back=False)
    for node in model.nodes:
        assert node.killed or bool(node.reason) != model.is_done(node)


@pytest.mark.parametrize("changed", [0, 17, SIZE - 1])
def test_an_image_that_changed_on_the_server_is_done_nowhere(changed: int) -> None:
    model = Model(6, SIZE, Shape(), 1000, 1)
    model.head.units[changed] = -1
    run(model, [])
    assert {node.reason for node in model.nodes} == {f"unit {changed} is bad"}
    assert model.now < PATIENCE


@settings(max_examples=100, deadline=None)
@given(count=st.integers(2, 12), dead=st.sets(st.integers(0, 11)), at=st.integers(1, 39), seed=st.integers(0, 1000))
def test_deaths_cost_less_than_the_time_to_see_them(count: int, dead: set[int], at: int, seed: int) -> None:
    model = Model(count, SIZE, Shape(), 1000, seed)
    run(model, [(at, Blow.DEATH, place) for place in dead])
    assert model.now <= (SIZE + 3 * count) * STEP + TIMING.stall


def test_the_head_gives_each_byte_once_when_nothing_happens() -> None:
    model = Model(8, SIZE, Shape(), 1000, 1)
    run(model, [])
    assert [node.source for node in model.nodes] == [HEAD_RANK, *range(7)]
