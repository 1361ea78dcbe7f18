"""What Kadeploy3's tools printed where scripts of today read it: the usual form of the tools whose names end in 3.

An option, a KADEPLOY_OUTPUT or the user's own configuration that says how to answer counts for them, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Final

from kadeploy.cli.preferences import OUTPUT, Found
from kadeploy.cli.tool_names import KADEPLOY3

TABLE: Final = "kadeploy3"
"""The form of `kaenv3 -l` and `karights3 -l`: columns of fixed width, and a line of # below their headings."""
_OF: Final[Mapping[str, str]] = {"kanodes3": "yaml", "kaenv3": TABLE, "karights3": TABLE}  # kastat's is the old one


def as_called(program: str, found: Mapping[str, Found]) -> Mapping[str, Found]:
    """The user's preferences, with the form of the tool that was called so, where they say nothing of it."""
    name = PurePath(program).name
    if name not in KADEPLOY3 or name not in _OF or OUTPUT in found:
        return found
    return {**found, OUTPUT: Found(value=_OF[name], origin=f"the name {name}")}


def table(headings: Mapping[str, int], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """`headings` have the least width of their columns."""
    lines = [list(headings), ["#" * len(heading) for heading in headings], *rows]
    for line in lines:
        cells = (f"{_cell(value):<{width}}" for value, width in zip(line, headings.values(), strict=True))
        yield " ".join(cells).rstrip()


def _cell(value: object) -> str:
    return "" if value is None else " ".join(str(value).split())
