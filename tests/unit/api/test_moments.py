"""Moments and spans in requests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadeploy.api.moments import iso
from kadeploy.api.parameters import decoded
from kadeploy.api.rights import RightsParameters
from kadeploy.errors import InvalidOption


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2027-01-31T18:00:00+01:00", 1801414800.0),
        ("2027-01-31T17:00:00Z", 1801414800.0),
        ("1801414800", 1801414800.0),
        (1801414800, 1801414800.0),
        ("", None),
    ],
)
def test_moments(value: object, seconds: float | None) -> None:
    assert decoded(RightsParameters, {"until": value}).until == seconds


@pytest.mark.parametrize(("value", "seconds"), [("4h", 14400.0), ("1h30m", 5400.0), (60, 60.0), ("60.5", 60.5)])
def test_spans(value: object, seconds: float) -> None:
    assert decoded(RightsParameters, {"for": value}).lasts == seconds


@pytest.mark.parametrize("value", ["2027-01-31T18:00:00", "soon", -1, True, [1], {"a": 1}, "9" * 13, 1e300])
def test_what_is_no_moment(value: object) -> None:
    with pytest.raises(InvalidOption, match="from: "):
        decoded(RightsParameters, {"from": value})


@given(st.one_of(st.text(max_size=40), st.floats(), st.integers(), st.none(), st.booleans()))
def test_anything_is_a_moment_or_a_clear_error(value: object) -> None:
    try:
        asked = decoded(RightsParameters, {"from": value, "until": value, "for": value})
    except InvalidOption:
        return
    for seconds in (asked.since, asked.until):
        assert seconds is None or iso(seconds)
