"""When the rest is late, as nodes come one by one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kadeploy.domain.patience import Late, Patience, Tally

TEN = 10


def add_all(seconds: list[float], of: int) -> Tally:
    tally = Tally(patience=Patience(), of=of)
    for took in seconds:
        tally.add(took)
    return tally


def test_nobody_is_late_before_most_have_come() -> None:
    assert add_all([1.0] * 5, TEN).late is None


def test_the_rest_has_half_as_long_again_as_most() -> None:
    late = add_all([20.0] * 6, TEN).late
    assert late == Late(seconds=30.0, why="most had come after 20 s, and 10 s more are over")


def test_quick_things_leave_a_few_seconds() -> None:
    late = add_all([0.1] * 6, TEN).late
    assert late is not None
    assert late.seconds == 5.1


def test_one_that_comes_later_gives_the_others_no_more_time() -> None:
    tally = add_all([20.0] * 6, TEN)
    assert tally.add(29.0) is None
    assert tally.late is not None
    assert tally.late.seconds == 30.0


def test_when_nearly_all_have_come_they_are_the_measure() -> None:
    tally = add_all([20.0] * 18, 20)
    found = tally.add(21.0)
    assert found is not None
    assert found.seconds == 26.0
    assert "nearly all" in found.why


@given(st.lists(st.floats(0, 1000), min_size=1, max_size=50), st.integers(0, 5))
def test_the_time_never_moves_back(seconds: list[float], missing: int) -> None:
    tally = Tally(patience=Patience(), of=len(seconds) + missing)
    known: list[float] = []
    for took in sorted(seconds):
        found = tally.add(took)
        if found is not None:
            assert not known or found.seconds < known[-1]
            known.append(found.seconds)
    assert (tally.late.seconds if tally.late else None) == (known[-1] if known else None)
