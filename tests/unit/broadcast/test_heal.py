from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadeploy.broadcast.heal import (
    Claim,
    Failure,
    Move,
    Timing,
    ahead_of,
    floor,
    is_dead,
    is_worth_mending,
    leaders,
    repair_source,
    sources,
    when_parked,
)
from kadeploy.broadcast.order import CHAIN, HEAD_RANK, MOVED

TIMING = Timing(stall=2.0)
failures = st.dictionaries(
    st.integers(-1, 20), st.builds(Failure, at=st.floats(0, 100), sure=st.booleans()), max_size=8
)


def claim(key: int, rank: int, position: int, *, ranged: bool = False, insists: bool = False) -> Claim:
    return Claim(key=key, rank=rank, position=position, end=1000, ranged=ranged, insists=insists)


@pytest.mark.parametrize(
    ("failed", "expected"),
    [
        ({}, (2, 1, 0, HEAD_RANK)),
        ({2: 99.0}, (1, 0, HEAD_RANK)),
        ({2: 99.0, 1: 99.5, 0: 99.9}, (HEAD_RANK,)),
        ({2: 91.0}, (2, 1, 0, HEAD_RANK)),  # forgiven after four times the detection time
        ({HEAD_RANK: 99.9}, (2, 1, 0)),
        ({HEAD_RANK: 99.4}, (2, 1, 0, HEAD_RANK)),  # the head is asked again soon
        ({5: 99.0}, (2, 1, 0, HEAD_RANK)),
    ],
)
def test_the_nearest_living_one_before_is_next(failed: dict[int, float], expected: tuple[int, ...]) -> None:
    known = {rank: Failure(at=at, sure=True) for rank, at in failed.items()}
    assert sources(CHAIN.before(3, 20), known, 100.0, TIMING) == expected


@given(rank=st.integers(0, 20), known=failures, now=st.floats(0, 200))
def test_nobody_reads_from_one_after_it_so_there_is_no_circle(rank: int, known: dict[int, Failure], now: float) -> None:
    order = sources(CHAIN.before(rank, 21), known, now, TIMING)
    assert all(HEAD_RANK <= one < rank for one in order)
    assert list(order) == sorted(set(order), reverse=True)


@given(rank=st.integers(0, 20), known=failures)
def test_after_a_while_everybody_is_asked_again(rank: int, known: dict[int, Failure]) -> None:
    everybody = CHAIN.before(rank, 21)
    assert sources(everybody, known, 100.0 + TIMING.forgive, TIMING) == everybody


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1000), st.booleans(), st.booleans())))
def test_one_stream_leads_and_no_one_is_further_on(some: list[tuple[int, int, bool, bool]]) -> None:
    claims = [claim(key, *one[:2], ranged=one[2], insists=one[3]) for key, one in enumerate(some)]
    first = next(iter(leaders(claims)), None)
    fed = [one for one in claims if ahead_of(one, claims) is None]
    waiting = [one for one in claims if ahead_of(one, claims) is not None]
    if first is None:
        assert not [one for one in waiting if one.position < one.end]
    else:
        assert first in fed
        assert all(one.position <= first.position for one in waiting if one.position < one.end)
    assert all(one in fed for one in claims if one.ranged or one.insists)


def test_at_the_same_byte_the_nearest_is_fed() -> None:
    near, far = claim(1, 4, 0), claim(2, 5, 0)
    assert ahead_of(near, [near, far]) is None
    assert ahead_of(far, [near, far]) == 4


def test_one_that_was_away_does_not_take_from_the_chain() -> None:
    chain, back = claim(1, 5, 700), claim(2, 4, 300)
    assert ahead_of(back, [chain, back]) == 5
    assert ahead_of(chain, [chain, back]) is None


@pytest.mark.parametrize(
    ("fed", "failure", "move"),
    [
        (7, None, Move.LAST),  # the chain went on without us
        (3, None, Move.NEARER),
        (3, Failure(at=0, sure=False), Move.NEARER),  # perhaps it was only slow to answer
        (3, Failure(at=0, sure=True), Move.INSIST),  # it lives for its source, not for us
        (3, Failure(at=0, sure=False, lacks=True), Move.WAIT),  # only the head has it all, when it is through
        (5, None, Move.WAIT),  # its own, which the source does not know to have ended
        (5, Failure(at=0, sure=True), Move.WAIT),
    ],
)
def test_a_parked_reader(fed: int, failure: Failure | None, move: Move) -> None:
    assert when_parked(5, fed, {fed: failure} if failure else {}) is move


@pytest.mark.parametrize(
    ("fed", "failure", "move"),
    [
        (19, None, Move.NEARER),
        (19, Failure(at=0, sure=False), Move.NEARER),  # it had too much to do to answer
        (19, Failure(at=0, sure=True), Move.WAIT),
        (0, Failure(at=0, sure=False, lacks=True), Move.WAIT),
        (5 + MOVED, None, Move.WAIT),
    ],
)
def test_one_at_the_end_reads_from_the_last_and_has_time(fed: int, failure: Failure | None, move: Move) -> None:
    assert when_parked(2 + MOVED, fed, {fed: failure} if failure else {}) is move


def test_one_that_has_moved_to_the_end_is_fed_after_the_chain_however_far_it_is() -> None:
    chain, moved = claim(1, 5, 300), claim(2, 2 + MOVED, 700)
    assert ahead_of(moved, [chain, moved]) == 5
    assert ahead_of(chain, [chain, moved]) is None


@pytest.mark.parametrize(("ahead", "fed"), [(0, None), (1 << 20, None), (2 << 20, 4)])
def test_whom_one_that_insists_overtakes_has_lost_its_place(ahead: int, fed: int | None) -> None:
    near = Claim(key=1, rank=3, position=1 << 20, end=1 << 30)
    far = Claim(key=2, rank=4, position=(1 << 20) + ahead, end=1 << 30, insists=True)
    assert ahead_of(near, [near, far]) == fed
    assert ahead_of(far, [near, far]) is None


def test_a_bad_chunk_is_asked_of_another_one_than_it_came_from_then_of_the_head() -> None:
    assert [repair_source(attempt, (3, 2, 1)) for attempt in range(3)] == [3, HEAD_RANK, HEAD_RANK]
    assert repair_source(0, ()) == HEAD_RANK
    assert is_worth_mending(1, 59.0, 60.0)
    assert not is_worth_mending(4, 1.0, 60.0)
    assert not is_worth_mending(0, 60.0, 60.0)


def test_silence_for_the_detection_time_is_death() -> None:
    assert not is_dead(1.99, TIMING)
    assert is_dead(2.0, TIMING)


def test_memory_is_kept_for_readers_that_go_on() -> None:
    assert floor([], TIMING) is None
    assert floor([(500, 0.1), (300, 9.9)], TIMING) == 300
    assert floor([(500, 0.1), (300, 10.0)], TIMING) == 500
