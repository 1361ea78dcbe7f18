from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kadeploy.domain.quantiles import quantile
from kadeploy.domain.rates import By, rates, spreads
from kadeploy.domain.state import Progress
from kadeploy.domain.statistics import Tally
from tests.unit.domain.histories import step, trip

WAY = trip(step("Set", "boot", 10.0), step("Set", "format", 2.0))


def tally(progress: Progress, nodes: int, micro: str = "") -> Tally:
    return Tally(trip=WAY, progress=progress, macro="SetOne" if micro else "", micro=micro, nodes=nodes)


TALLIES = [tally(Progress.OK, 7), tally(Progress.KO, 1, "format"), tally(Progress.ABORTED, 50)]


def test_a_step_fails_of_those_that_came_to_it() -> None:
    found = rates(TALLIES, By.STEP)
    assert (found["SetOne-format"].nodes, found["SetOne-format"].failures) == (8, 1)
    assert found["SetOne-format"].value == 0.125
    assert found["SetOne-boot"].value == 0.0


@pytest.mark.parametrize(("by", "name"), [(By.ENVIRONMENT, "debian12@root:2"), (By.CLUSTER, "c"), (By.USER, "alice")])
def test_rates_of_other_things(by: By, name: str) -> None:
    assert {what: rate.value for what, rate in rates(TALLIES, by).items()} == {name: 0.125}


def test_how_long_steps_took_is_weighted_by_nodes() -> None:
    slow = Tally(trip=trip(step("Set", "boot", 90.0)), progress=Progress.OK, macro="", micro="", nodes=1)
    boot = spreads([tally(Progress.OK, 9), slow])[0]
    assert (boot.micro, boot.nodes, boot.seconds[2], boot.seconds[-1]) == ("boot", 10, 10.0, 90.0)


@settings(derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1e6), st.integers(1, 9)), min_size=1), st.floats(0, 1))
def test_a_quantile_is_one_of_the_values_and_leaves_enough_below(values: list[tuple[float, int]], part: float) -> None:
    found = quantile(values, part)
    assert found in [value for value, _ in values]
    below = sum(weight for value, weight in values if value <= found)
    assert below >= part * sum(weight for _, weight in values) - 1e-6
