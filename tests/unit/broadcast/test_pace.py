"""Who is slow, and who only hiccups."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadeploy.broadcast.allowance import CREDIT, Allowance
from kadeploy.broadcast.pace import Look, Pace

MB = 1_000_000
SIZE = 512 * MB
STREAM = 25 * MB  # bytes a second


def first_blame(came: Callable[[float], float], taken: Callable[[float], float], seconds: float = 10.0) -> float | None:
    """When a reader is found to hold the others back, looked at every 50 ms."""
    pace = Pace(0.1, SIZE)
    for tick in range(int(seconds * 20)):
        at = tick / 20
        if pace.is_holding_back(Look(at, int(came(at)), int(taken(at)))):
            return at
    return None


@pytest.mark.parametrize(("share", "most"), [(0.0, 0.6), (0.1, 0.6), (0.5, 1.0), (0.8, 2.5)])
def test_a_slow_one_is_found_the_sooner_the_slower_it_is(share: float, most: float) -> None:
    found = first_blame(lambda at: STREAM * at, lambda at: STREAM * share * at)
    assert found is not None
    assert found <= most


@pytest.mark.parametrize("share", [0.95, 1.0])
def test_one_that_is_nearly_as_fast_is_left_alone(share: float) -> None:
    assert first_blame(lambda at: STREAM * at, lambda at: STREAM * share * at) is None


def test_a_hiccup_is_forgiven() -> None:
    def taken(at: float) -> float:
        return STREAM * (at if at < 3 or at > 3.3 else 3)

    assert first_blame(lambda at: STREAM * at, taken) is None


def test_one_that_was_away_and_catches_up_is_left_alone() -> None:
    assert first_blame(lambda at: 200 * MB + STREAM * at, lambda at: 1.5 * STREAM * at, 8.0) is None


def test_the_longer_it_all_takes_the_more_is_forgiven() -> None:
    """A stop of two seconds in ten minutes is nothing."""
    slow = STREAM / 30

    def taken(at: float) -> float:
        return slow * (at if at < 3 or at > 5 else 3)

    assert first_blame(lambda at: slow * at, taken, 20.0) is None
    assert first_blame(lambda at: slow * at, lambda at: slow * at / 10, 20.0) is not None


def test_near_the_end_it_is_not_worth_it() -> None:
    assert first_blame(lambda at: SIZE - 1, lambda at: SIZE - 2 * MB + at * MB) is None


def blame_with_memory(size: int, share: float, memory: int, *, seconds: int, lowest: bool = True) -> float | None:
    """Of a reader that takes this share of the stream: its source has so much memory, and blocks when that is full."""
    pace, came, taken, blocked = Pace(0.1, size), 0.0, 0.0, 0.0
    for tick in range(seconds * 20):
        taken += STREAM * share / 20
        wanted = came + STREAM / 20
        came = min(wanted, taken + memory)
        blocked += (wanted - came) / STREAM
        if pace.is_holding_back(Look(tick / 20, int(came), int(taken), blocked, blocked if lowest else 0.0)):
            return tick / 20
    return None


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("memory", [4 * MB, 16 * MB, 256 * MB])
def test_one_that_fills_the_memory_of_its_source_is_found(share: float, memory: int) -> None:
    """The source's window is full: nothing more comes than the reader takes."""
    found = blame_with_memory(SIZE, share, memory, seconds=20)
    assert found is not None
    assert found < 0.6 / (1 - share)


@pytest.mark.parametrize("memory", [16 * MB, 256 * MB])
def test_evidence_may_be_more_than_the_memory_holds(memory: int) -> None:
    """In a broadcast of many minutes a reader must be slow for long; its source's memory is full by then."""
    assert blame_with_memory(100 * SIZE, 0.5, memory, seconds=200) is not None


def test_whoever_waits_with_its_source_is_not_to_blame() -> None:
    """Another reader has filled the memory of their source; or the source's own disk has."""
    assert blame_with_memory(SIZE, 0.999, 4 * MB, seconds=20, lowest=False) is None


def test_hiccups_now_and_then_are_forgiven() -> None:
    """Where the stream takes all of the link, nobody makes up for what it has lost: it stays behind by their sum."""

    def taken(at: float) -> float:
        lost = sum(min(max(at - begin, 0.0), 0.2) for begin in (1.0, 2.5, 3.6))
        return STREAM * (at - lost)

    assert first_blame(lambda at: STREAM * at, taken) is None


def test_one_that_is_not_looked_at_for_a_while_is_not_blamed_for_it() -> None:
    """A machine that is busy with other things: the stream went on, and the reader was held up together with those
    that would look at it."""
    pace = Pace(0.1, SIZE)
    moments = [tick / 20 for tick in range(40)] + [2.5 + tick / 20 for tick in range(60)]
    for at in moments:
        taken = STREAM * (at if at < 2 else at - 0.45)
        assert not pace.is_holding_back(Look(at, int(STREAM * at), int(taken)))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 500_000), st.floats(0, 0.05)), min_size=1, max_size=200))
def test_all_lanes_together_never_exceed_the_allowance(takes: list[tuple[int, int, float]]) -> None:
    allowance = Allowance(10 * MB)
    now, sent, end = 0.0, 0, 0.0
    largest = max(count for _, count, _ in takes)
    for lane, count, pause in takes:
        now += pause
        end = max(end, now + allowance.wait_for(lane, count, now))
        sent += count
        assert sent <= 10 * MB * (end + len({one for one, _, _ in takes}) * CREDIT) + 4 * largest


def test_two_broadcasts_share_alike_whatever_they_ask_for() -> None:
    allowance = Allowance(10 * MB)
    ready = {"greedy": 0.0, "modest": 0.0}
    given_ = dict.fromkeys(ready, 0)
    size = {"greedy": 400_000, "modest": 50_000}
    while (lane := min(ready, key=lambda one: ready[one])) and ready[lane] < 20.0:
        ready[lane] += allowance.wait_for(lane, size[lane], ready[lane])
        given_[lane] += size[lane]
    assert given_["greedy"] == pytest.approx(given_["modest"], rel=0.1)
    assert sum(given_.values()) == pytest.approx(20.0 * 10 * MB, rel=0.1)
