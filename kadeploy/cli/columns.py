"""A table in plain text: the same on a terminal and in a pipe, so that grep and awk can read it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

GAP = "  "


def columns(headings: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[str] = ()) -> Iterator[str]:
    """The table's lines; the columns named in `right` are aligned to the right."""
    cells = [list(headings), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(line[index]) for line in cells) for index in range(len(headings))]
    for line in cells:
        padded = (
            text.rjust(width) if heading in right else text.ljust(width)
            for text, width, heading in zip(line, widths, headings, strict=True)
        )
        yield GAP.join(padded).rstrip()


def _cell(value: object) -> str:
    return "-" if value is None or value == "" else " ".join(str(value).split())
