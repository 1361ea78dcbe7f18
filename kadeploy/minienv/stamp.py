"""Knowing, at once and without the network, whether what was built before is still what the recipe says.

The stamp beside the outputs holds a hash of everything the recipe is made of and each output's size and
time, so that a changed recipe, and an output that was cut short or replaced, both mean building again.
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
        written = json.loads(stamp.read_text())
        return bool(written == _content(recipe, outputs))
    except (OSError, ValueError):
        return False


def write(stamp: Path, recipe: str, outputs: Iterable[Path]) -> None:
    stamp.write_text(json.dumps(_content(recipe, outputs), indent=1) + "\n")


def _content(recipe: str, outputs: Iterable[Path]) -> dict[str, object]:
    states = {path.name: path.stat() for path in outputs}
    return {"recipe": recipe, "outputs": {name: [s.st_size, s.st_mtime_ns] for name, s in states.items()}}
