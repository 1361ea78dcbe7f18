"""Moments and spans of time in requests: as seconds, or as people and schedulers write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Annotated, Final

from pydantic import BeforeValidator

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_SECONDS: Final = re.compile(r"\d{1,12}(\.\d+)?\Z")
LATEST: Final = 253_402_300_800.0  # the year 10000, which datetime does not know


def _moment(value: object) -> object:
    if value is None or value == "":
        return None
    seconds = _seconds(value)
    if seconds is None and isinstance(value, str):
        told = _date(value)
        if told is not None:
            if told.tzinfo is None:
                raise ValueError(f"{value!r} does not say its time zone: write it as 2027-01-31T18:00:00+01:00")
            seconds = told.timestamp()
    if seconds is None or not 0 <= seconds < LATEST:
        raise ValueError(
            f"must be a date such as 2027-01-31T18:00:00+01:00, or seconds since the epoch, not {value!r:.100}"
        )
    return seconds


def _date(text: str) -> datetime | None:
    """As ISO 8601 or HTTP have them (RFC 9110, 5.6.7)."""
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            return read(text)
        except ValueError:
            continue
    return None


def _span(value: object) -> object:
    if value is None or value == "":
        return None
    seconds = _seconds(value)
    if seconds is None and isinstance(value, str) and re.fullmatch(f"({_SPAN.pattern})+", value):
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _SPAN.findall(value))
    if seconds is None or not seconds < LATEST / 2:
        raise ValueError(f"must be a time such as 4h or 1h30m, or seconds, not {value!r:.100}")
    return seconds


def _seconds(value: object) -> float | None:
    if isinstance(value, str) and _SECONDS.match(value):
        return float(value)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


Moment = Annotated[float | None, BeforeValidator(_moment)]
Span = Annotated[float | None, BeforeValidator(_span)]


def iso(at: float) -> str:
    """In UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
