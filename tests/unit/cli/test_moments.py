"""Dates and times as users write them, in their own time zone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from kadeploy.cli.moments import moment, past_moment, shown, span
from kadeploy.errors import InvalidOption


@pytest.fixture(autouse=True)
def paris(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Paris")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at(text: str) -> str:
    now = datetime.fromisoformat("2027-03-27T15:30:00+01:00").astimezone()  # the clocks change in the night
    return moment(text, "--until", now=now).isoformat()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2027-03-31", "2027-03-31T00:00:00+02:00"),
        ("2027-03-27 18:00", "2027-03-27T18:00:00+01:00"),
        ("2027-03-29T8:05:30", "2027-03-29T08:05:30+02:00"),
        ("2027-03-29T08:00:00Z", "2027-03-29T10:00:00+02:00"),
        ("18:00", "2027-03-27T18:00:00+01:00"),
        ("8:00", "2027-03-28T08:00:00+02:00"),
        ("15:30", "2027-03-28T15:30:00+02:00"),
        ("today 23:59", "2027-03-27T23:59:00+01:00"),
        ("tomorrow", "2027-03-28T00:00:00+01:00"),
        ("tomorrow  8:00", "2027-03-28T08:00:00+02:00"),
        ("+90m", "2027-03-27T17:00:00+01:00"),
    ],
)
def test_moments(text: str, expected: str) -> None:
    assert at(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2027-03-31", "2027-03-31T00:00:00+02:00"),
        ("18:00", "2027-03-26T18:00:00+01:00"),
        ("8:00", "2027-03-27T08:00:00+01:00"),
        ("yesterday", "2027-03-26T00:00:00+01:00"),
        ("yesterday 18:00", "2027-03-26T18:00:00+01:00"),
        ("today", "2027-03-27T00:00:00+01:00"),
        ("90m", "2027-03-27T14:00:00+01:00"),
        ("1w2d", "2027-03-18T15:30:00+01:00"),
        ("2027:03:27:08:05:30", "2027-03-27T08:05:30+01:00"),
        ("Sat, 27 Mar 2027 08:00:00 GMT", "2027-03-27T09:00:00+01:00"),
    ],
)
def test_moments_that_have_passed(text: str, expected: str) -> None:
    now = datetime.fromisoformat("2027-03-27T15:30:00+01:00").astimezone()
    assert past_moment(text, "-x", now=now).isoformat() == expected


@pytest.mark.parametrize("text", ["", "someday", "25:00", "2027-02-30", "7", "-7d", "Sat, 99 Mar 2027 08:00:00 GMT"])
def test_what_is_no_past_moment_is_refused(text: str) -> None:
    with pytest.raises(InvalidOption, match="-x"):
        past_moment(text, "-x", now=datetime.fromisoformat("2027-03-27T15:30:00+01:00"))


@pytest.mark.parametrize("text", ["", "soon", "25:00", "2027-02-30", "tomorrow noon", "+", "+4", "10000-01-01"])
def test_what_is_no_moment_is_refused_with_what_is(text: str) -> None:
    with pytest.raises(InvalidOption, match="--until"):
        at(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("1h30m", 5400), ("2d", 172800), ("1 w", 604800), ("1.5h", 5400)]
)
def test_spans(text: str, seconds: float) -> None:
    assert span(text, "--for") == seconds


@pytest.mark.parametrize("text", ["", "4", "-4h", "h", "4x", "0s", "9999999d"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(InvalidOption, match="--for"):
        span(text, "--for")


def test_moments_are_shown_in_the_users_time() -> None:
    assert shown("2027-03-28T06:00:00+00:00") == "2027-03-28 08:00"
    assert shown("2027-03-28T06:00:01+00:00") == "2027-03-28 08:00:01"
    assert shown(None) is None
