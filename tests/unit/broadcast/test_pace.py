"""Who is slow, and who only hiccups."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadeploy.broadcast.allowance import CREDIT, Allowance
from kadeploy.broadcast.pace import Pace

MB = 1_000_000
SIZE = 512 * MB
STREAM = 25 * MB  # bytes a second


def first_blame(came: Callable[[float], float], taken: Callable[[float], float], seconds: float = 10.0) -> float | None:
    """When a reader is found to hold the others back, looked at every 50 ms."""
    pace = Pace(0.1, SIZE)
    for tick in range(int(seconds * 20)):
        at = tick / 20
        if pace.is_holding_back(at, int(came(at)), int(taken(at)), 0.0):
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


def test_one_that_fills_the_memory_of_its_source_is_found() -> None:
    """The source's window is full: nothing more comes than the reader takes."""
    pace = Pace(0.1, SIZE)
    found = None
    for tick in range(200):
        at = tick / 20
        taken = 2.5 * MB * at
        came = min(STREAM * at, taken + 16 * MB)
        blocked = max(0.0, at - 0.7) * 0.9
        if pace.is_holding_back(at, int(came), int(taken), blocked):
            found = at
            break
    assert found is not None
    assert found < 2.0


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
