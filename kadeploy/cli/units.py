"""Times and sizes as people read them."""

from __future__ import annotations

from typing import Final

_SIZES: Final = ("B", "kB", "MB", "GB", "TB")


def clock(seconds: float) -> str:
    """Whole seconds as `1:23` or `1:02:03`."""
    whole = max(int(seconds), 0)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def size(count: float) -> str:
    """Bytes in powers of 1000, three digits at most."""
    value, unit = max(float(count), 0.0), 0
    while value >= 999.5 and unit < len(_SIZES) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {_SIZES[unit]}" if value >= 9.95 or unit == 0 else f"{value:.1f} {_SIZES[unit]}"


def percent(done: int, total: int) -> int:
    """Never 100 before it is all."""
    return min(done * 100 // total, 100) if total > 0 else 0


def plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
