"""Exactly the slow one moves, wherever it stands: not the one before it, whose memory it fills, nor those after it,
which starve, nor the last one, which feeds it from then on."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.broadcast.flowing import Chain

MB = 1_000_000
STREAM = 25.0 * MB  # bytes a second
SIZE = 512 * MB
IDEAL = SIZE / STREAM


def chain(
    count: int, slow: dict[int, float], *, size: int = SIZE, memory: float = 128 * MB, seed: int | None = None
) -> Chain:
    links = [STREAM * slow.get(place, 1.0) for place in range(count)]
    return Chain(links, size=size, stream=STREAM, memory=memory, seed=seed)


@pytest.mark.parametrize("place", range(8))
@pytest.mark.parametrize("share", [0.001, 0.1])
def test_one_that_is_slow_moves_alone_and_costs_the_others_little(place: int, share: float) -> None:
    model = chain(8, {place: share})
    assert model.run(5 * IDEAL) <= IDEAL * 1.10
    assert model.moved == [place]


@settings(max_examples=25, deadline=None)
@given(
    count=st.integers(3, 8),
    place=st.integers(1, 7),
    share=st.floats(0.02, 0.8),
    memory=st.sampled_from([16, 128, 1000]),
    size=st.sampled_from([256, 512, 1500]),
)
def test_however_slow_it_is_and_however_much_memory_there_is(
    count: int, place: int, share: float, memory: int, size: int
) -> None:
    place = min(place, count - 1)
    model = chain(count, {place: share}, size=size * MB, memory=memory * MB)
    model.run(20 * size * MB / STREAM)
    assert model.moved in ([place], [place] if share < 0.7 else [])


def test_two_that_are_slow_move_both() -> None:
    model = chain(8, {2: 0.1, 5: 0.3})
    assert model.run(5 * IDEAL) <= IDEAL * 1.2
    assert sorted(model.moved) == [2, 5]


def test_where_all_are_as_slow_as_each_other_nobody_moves() -> None:
    model = chain(6, dict.fromkeys(range(6), 0.2))
    model.run(10 * IDEAL)
    assert model.moved == []


@pytest.mark.parametrize("seed", range(8))
def test_where_processors_are_short_nobody_is_taken_for_slow(seed: int) -> None:
    model = chain(8, {}, seed=seed)
    model.run(5 * IDEAL)
    assert model.moved == []


@pytest.mark.parametrize("seed", range(8))
def test_and_one_that_is_slow_is_found_all_the_same(seed: int) -> None:
    model = chain(8, {4: 0.1}, seed=seed)
    model.run(10 * IDEAL)
    assert 4 in model.moved
