"""A table in plain text: the same on a terminal and in a pipe, so that grep and awk can read it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

GAP = "  "


def columns(headings: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[str] = ()) -> Iterator[str]:
    """The table's lines; the columns named in `right` are aligned to the right."""
    cells = [list(headings), *([_cell(value) for value in row] for row in rows)]
    widths = [max(_width(line[index]) for line in cells) for index in range(len(headings))]
    for line in cells:
        padded = (
            _padding(text, width) + text if heading in right else text + _padding(text, width)
            for text, width, heading in zip(line, widths, headings, strict=True)
        )
        yield GAP.join(padded).rstrip()


def _padding(text: str, width: int) -> str:
    return " " * (width - _width(text))


def _width(text: str) -> int:
    """How many columns of a terminal it takes: Unicode Standard Annex 11; combining characters take none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(sign) else 2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text
    )


def _cell(value: object) -> str:
    return "-" if value is None or value == "" else " ".join(str(value).split())
