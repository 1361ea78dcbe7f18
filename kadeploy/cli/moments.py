"""Moments and spans as people write them, in their own time zone, which is the machine's or $TZ."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from kadeploy.errors import InvalidOption

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_AGO: Final = re.compile(f"({_SPAN.pattern})+\\Z")
_TIME: Final = re.compile(r"\d{1,2}:\d{2}(:\d{2})?\Z")
_DAYS: Final = {"yesterday": -1, "today": 0, "tomorrow": 1}
_OLD_FORM: Final = re.compile(r"(\d{4}):(\d\d):(\d\d):(\d\d):(\d\d):(\d\d)\Z")


def moment(text: str, option: str, *, now: datetime) -> datetime:
    """A date, a date and time, a time of day (the next one), `tomorrow 8:00`, or `+4h`; with its offset from UTC.

    `now` is in the user's time zone. Raises InvalidOption.
    """
    given = " ".join(text.split())
    if given.startswith("+"):
        return now + timedelta(seconds=span(given[1:], option))
    told = _of_day(given, now)
    if told is None and _TIME.match(given):
        told = _of_day(f"today {given}", now)
        told = told if told is None or told > now else _of_day(f"tomorrow {given}", now)
    told = told or _local(given)
    if told is None:
        raise InvalidOption(
            f"{option} {text}: must be a date such as '2027-01-31 18:00', a time such as 18:00, 'tomorrow 8:00', or +4h"
        )
    return told


def past_moment(text: str, option: str, *, now: datetime) -> datetime:
    """The same looking back: a time of day is the latest one, `yesterday 8:00`, `7d` is a week ago. Dates as Kadeploy3
    and as HTTP write them, too.

    `now` is in the user's time zone. Raises InvalidOption.
    """
    given = " ".join(text.split())
    if _AGO.match(given):
        return now - timedelta(seconds=span(given, option))
    told = _of_day(given, now)
    if told is None and _TIME.match(given):
        told = _of_day(f"today {given}", now)
        told = told if told is None or told <= now else _of_day(f"yesterday {given}", now)
    told = told or _local(_OLD_FORM.sub(r"\1-\2-\3 \4:\5:\6", given)) or _of_http(given)
    if told is None:
        raise InvalidOption(
            f"{option} {text}: must be a date such as 2027-01-31 or '2027-01-31 18:00', a time such as 18:00,"
            " 'yesterday 8:00', or an age such as 7d"
        )
    return told


def span(text: str, option: str) -> float:
    """Seconds in `90s`, `4h`, `1h30m`, `2d`, `1w`; raises InvalidOption."""
    compact = "".join(text.split())
    if not re.fullmatch(f"({_SPAN.pattern})+", compact):
        raise InvalidOption(f"{option} {text}: must be a time such as 4h, 1h30m or 2d")
    seconds = sum(float(number) * _UNITS[unit] for number, unit in _SPAN.findall(compact))
    if not 0 < seconds < 1e10:
        raise InvalidOption(f"{option} {text}: must be more than nothing, and less than three hundred years")
    return seconds


def shown(iso: str | None) -> str | None:
    """A moment as the server tells it, in the user's time zone; to the second where that says something."""
    if not iso:
        return None
    local = datetime.fromisoformat(iso).astimezone()
    return local.strftime("%Y-%m-%d %H:%M:%S" if local.second else "%Y-%m-%d %H:%M")


def _of_day(given: str, now: datetime) -> datetime | None:
    """`tomorrow 8:00`, or `yesterday`, which is its beginning; None for anything else."""
    day, _, clock = given.partition(" ")
    if day not in _DAYS or (clock and not _TIME.match(clock)):
        return None
    return _local(f"{(now + timedelta(days=_DAYS[day])).date().isoformat()} {clock or '0:00'}")


def _local(given: str) -> datetime | None:
    """A moment without an offset is the user's own time. None when it is no moment."""
    hour = re.sub(r"([ T])(\d:)", r"\g<1>0\2", given)
    try:
        return datetime.fromisoformat(hour).astimezone()
    except (ValueError, OverflowError, OSError):
        return None


def _of_http(given: str) -> datetime | None:
    """RFC 9110, 5.6.7."""
    try:
        return parsedate_to_datetime(given).astimezone()
    except (ValueError, OverflowError, OSError):
        return None
