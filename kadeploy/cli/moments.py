"""Moments and spans as people write them, in their own time zone, which is the machine's or $TZ."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final

from kadeploy.errors import InvalidOption

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_TIME: Final = re.compile(r"\d{1,2}:\d{2}(:\d{2})?\Z")
_DAYS: Final = {"today": 0, "tomorrow": 1}


def moment(text: str, option: str, *, now: datetime) -> datetime:
    """A date, a date and time, a time of day (the next one), `tomorrow 8:00`, or `+4h`; with its offset from UTC.

    `now` is in the user's time zone. Raises InvalidOption.
    """
    given = " ".join(text.split())
    if given.startswith("+"):
        return now + timedelta(seconds=span(given[1:], option))
    day, _, clock = given.partition(" ")
    if day in _DAYS and (not clock or _TIME.match(clock)):
        date = (now + timedelta(days=_DAYS[day])).date().isoformat()
        return _local(f"{date} {clock or '0:00'}", text, option)
    if _TIME.match(given):
        then = _local(f"{now.date().isoformat()} {given}", text, option)
        tomorrow = (now + timedelta(days=1)).date().isoformat()
        return then if then > now else _local(f"{tomorrow} {given}", text, option)
    return _local(given, text, option)


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


def _local(given: str, text: str, option: str) -> datetime:
    """A moment without an offset is the user's own time."""
    hour = re.sub(r"([ T])(\d:)", r"\g<1>0\2", given)
    try:
        return datetime.fromisoformat(hour).astimezone()
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidOption(
            f"{option} {text}: must be a date such as '2027-01-31 18:00', a time such as 18:00, 'tomorrow 8:00', or +4h"
        ) from error
