from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadeploy.domain.boot_times import KEPT, worth_keeping
from kadeploy.domain.patience import Late, Patience, Usual

durations = st.floats(0, 1000)


@pytest.mark.parametrize(
    ("took", "seconds", "why"),
    [
        (6.0, 11.0, "most had come after 6 s, and 5 s more are over"),
        (100.0, 150.0, "most had come after 100 s, and 50 s more are over"),
    ],
)
def test_without_statistics_the_set_is_its_own_measure(took: float, seconds: float, why: str) -> None:
    assert Patience().late(came=60, of=100, first=1.0, took=took) == Late(seconds=seconds, why=why)
    assert Patience().late(came=59, of=100, first=1.0, took=took) is None


def test_statistics_are_the_measure_once_there_are_enough() -> None:
    boots = [float(seconds) for seconds in range(101, 201)]
    patience = Patience(enough=100)
    assert patience.usual(boots[1:]) is None
    usual = patience.usual(boots)
    assert usual == Usual(seconds=196.0, share=0.95, boots=100)
    late = patience.late(came=6, of=10, first=100.0, took=110.0, usual=usual)
    assert late == Late(seconds=201.0, why="95% of the last 100 boots took at most 196 s here, and 5 s more are over")
    slow = patience.late(came=6, of=10, first=100.0, took=300.0, usual=usual)
    assert slow is not None
    assert slow.seconds == 305.0, "a wait that is slow as a whole is no reason to leave anybody"


def test_nearly_all_are_the_measure_themselves() -> None:
    late = Patience().late(came=95, of=100, first=90.0, took=130.0)
    assert late == Late(seconds=150.0, why="nearly all came within 40 s, and 20 s more are over")


@given(
    st.lists(durations, min_size=1, max_size=300), durations, st.floats(0.01, 1), st.integers(1, 100), st.floats(0, 1)
)
def test_nobody_is_late_before_the_quorum_or_before_the_least(
    boots: list[float], took: float, percentile: float, came: int, begun: float
) -> None:
    patience = Patience(percentile=percentile, enough=1)
    usual = patience.usual(boots)
    assert usual is not None
    assert min(boots) <= usual.seconds <= max(boots)
    for known in (usual, None):
        late = patience.late(came=came, of=100, first=took * begun, took=took, usual=known)
        assert (late is None) == (came < 60)
        assert late is None or late.seconds >= took + patience.least


@given(st.lists(durations, max_size=3 * KEPT))
def test_what_is_kept_of_a_wait_spans_all_of_it(seconds: list[float]) -> None:
    kept = worth_keeping(seconds)
    assert len(kept) == min(len(seconds), KEPT)
    assert list(kept) == sorted(kept)
    if seconds:
        assert (kept[0], kept[-1]) == (min(seconds), max(seconds))
