"""Bars in a terminal."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

EIGHTHS: Final = " ▏▎▍▌▋▊▉"
LEAST: Final = 10  # characters of the longest bar


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """`more` is how far a light bar goes beyond the dark one; `note` stands behind."""

    label: str
    value: float
    note: str = ""
    more: float = 0.0


def bars(chart: Sequence[Bar], *, most: float = 0.0, width: int | None = None) -> Iterator[str]:
    """A line a bar, as wide as the terminal; the longest bar fills its room, unless `most` is more."""
    if not chart:
        return
    wide = width or shutil.get_terminal_size((100, 24)).columns
    label = min(max(len(bar.label) for bar in chart), wide // 3)
    note = min(max(len(bar.note) for bar in chart), wide // 2)
    room = max(wide - label - note - 4, LEAST)
    scale = max(most, *(max(bar.value, bar.more) for bar in chart)) or 1.0
    for bar in chart:
        drawn = _drawn(bar, room / scale)
        yield f"{_cut(bar.label, label):<{label}}  {drawn:<{room}}  {_cut(bar.note, max(note, LEAST))}".rstrip()


def _drawn(bar: Bar, cells: float) -> str:
    full, rest = divmod(round(bar.value * cells * 8), 8)
    dark = "█" * full + (EIGHTHS[rest] if rest else "")
    if not dark and bar.value > 0:
        dark = EIGHTHS[1]
    light = round(bar.more * cells) - len(dark)
    return dark + "░" * max(light, 0)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
