"""Times as administrators write and read them."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import Final

import click

_UNITS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)([smhdw])\Z")


def seconds(text: str) -> float:
    """Seconds in `90s`, `30m`, `12h`, `30d` or `2w`; raises BadParameter."""
    found = _SPAN.match(text.strip())
    if found is None:
        raise click.BadParameter(f"{text!r} is no span of time: write it as 12h or 30d")
    return float(found[1]) * _UNITS[found[2]]


def since(text: str) -> float:
    """Seconds since the epoch: of a date, or of so long ago. Raises BadParameter."""
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        pass
    try:
        return time.time() - seconds(text)
    except click.BadParameter as error:
        raise click.BadParameter(
            f"{text!r} is neither a date, as 2026-11-23, nor how long ago, as 12h or 30d"
        ) from error


def moment(at: float) -> str:
    """In local time; empty for never."""
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M:%S") if at else ""
