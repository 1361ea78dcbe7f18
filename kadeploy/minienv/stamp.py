"""Knowing, at once and without the network, whether what was built before is still what the recipe says.

The stamp beside the outputs holds a hash of everything the recipe is made of, each output's size and time, and what
had to be left out, so that a changed recipe, an output that was cut short or replaced, and a part that can be had by
now all mean building again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path


def recipe_hash(parts: Iterable[bytes | str]) -> str:
    """One hash for all the parts of a recipe; their order and their borders count."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


def sources(*roots: Path) -> list[bytes | str]:
    """The recipe's own files below `roots`, as names and contents, in a fixed order."""
    parts: list[bytes | str] = []
    for root in roots:
        files = [root] if root.is_file() else sorted(p for p in root.rglob("*") if p.is_file() and _counts(p))
        for path in files:
            parts += [path.relative_to(root.parent).as_posix(), path.read_bytes()]
    return parts


def _counts(path: Path) -> bool:
    return "__pycache__" not in path.parts


def is_current(stamp: Path, recipe: str, outputs: Iterable[Path]) -> bool:
    """Whether every output is there as it was when the stamp of this same recipe was written."""
    try:
        return bool(json.loads(stamp.read_text()) == _content(recipe, outputs, left_out(stamp)))
    except (OSError, ValueError):
        return False


def left_out(stamp: Path) -> tuple[str, ...]:
    """What was to go into the outputs and could not be had; nothing when there is no stamp that says so."""
    try:
        return tuple(str(part) for part in json.loads(stamp.read_text())["left_out"])
    except (OSError, ValueError, LookupError, TypeError):
        return ()


def write(stamp: Path, recipe: str, outputs: Iterable[Path], left_out: Iterable[str] = ()) -> None:
    stamp.write_text(json.dumps(_content(recipe, outputs, left_out), indent=1) + "\n")


def _content(recipe: str, outputs: Iterable[Path], left_out: Iterable[str]) -> dict[str, object]:
    states = {path.name: path.stat() for path in outputs}
    return {
        "recipe": recipe,
        "outputs": {name: [state.st_size, state.st_mtime_ns] for name, state in states.items()},
        "left_out": list(left_out),
    }
