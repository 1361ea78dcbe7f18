"""Ranges of names and addresses in clusters.conf, unfolded in the order they are written.

The order is what pairs `node-[3,1]` with `10.0.0.[5,9]`, so this is not a node set, which has none.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final

_BRACKET: Final = re.compile(r"\[([^\[\]]*)\]")
_PIECE: Final = re.compile(r"(\d+)(?:-(\d+))?\Z")
LARGEST: Final = 100_000


def expand(text: str) -> tuple[str, ...]:
    """`node-[1-3,07-09].site`, several brackets too, as names; raises ValueError with what is wrong."""
    parts = _BRACKET.split(text)
    if any(mark in fixed for fixed in parts[::2] for mark in "[]"):
        raise ValueError(f"{text!r} has a bracket without its other half")
    choices: list[list[str]] = []
    count = 1
    for index, part in enumerate(parts):
        choices.append(list(_numbers(part, text)) if index % 2 else [part])
        count *= len(choices[-1])
        if count > LARGEST:
            raise ValueError(f"{text!r} names more than {LARGEST}")
    return tuple("".join(chosen) for chosen in itertools.product(*choices))


def _numbers(inside: str, text: str) -> Iterator[str]:
    for piece in inside.split(","):
        found = _PIECE.match(piece.strip())
        if found is None:
            raise ValueError(f"{text!r} is not a range: {piece!r} is neither a number nor like 1-9")
        first, last = found.group(1), found.group(2) or found.group(1)
        if int(last) < int(first):
            raise ValueError(f"{text!r} is not a range: {piece!r} goes backwards")
        if int(last) - int(first) >= LARGEST:
            raise ValueError(f"{text!r} names more than {LARGEST}")
        width = len(first) if len(first) == len(last) or first.startswith("0") else 0
        for number in range(int(first), int(last) + 1):
            yield str(number).zfill(width)
