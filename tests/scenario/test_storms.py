"""Fault storms: whatever happens, every run ends, every node has exactly one end with a reason, and nothing is left."""

from __future__ import annotations

from collections import Counter

import pytest

from kadeploy.domain.state import Progress
from tests.scenario.killed_storm import killed_storm
from tests.scenario.storm import storm

STORMS = 100
KILLED = 10  # each so many-th
SIGKILLED = (0, 1, 2, 4, 5, 6)  # seeds of storms that do not end before the first kill


def test_a_hundred_storms_of_which_ten_are_killed() -> None:
    storms = [storm(seed, kills=seed % KILLED == 0) for seed in range(STORMS)]
    assert not {one.seed: one.wrong for one in storms if one.wrong}
    seen = sum((Counter(one.progress) for one in storms), Counter())
    assert sum(one.kills for one in storms) >= STORMS // KILLED
    assert set(seen) == {Progress.OK, Progress.KO, Progress.ABORTED}
    assert min(seen.values()) > 100, "the storms were too mild to say anything"
    assert sum(one.held for one in storms) > 0


@pytest.mark.parametrize("seed", SIGKILLED)
def test_a_storm_whose_servers_are_ended_by_sigkill(seed: int) -> None:
    told = killed_storm(seed)
    assert not told.wrong
    assert told.kills


def test_a_storm_is_the_same_again() -> None:
    assert storm(7, kills=True) == storm(7, kills=True)
