"""Random bytes to send: nothing can make them smaller, and no two chunks are alike."""

from __future__ import annotations

import os
from pathlib import Path

from kadeploy.broadcast.digests import KNOWN, best_of
from kadeploy.broadcast.manifest import Manifest, manifest_of

MB = 1_000_000
GB = 1e9


def made(directory: Path, megabytes: int) -> tuple[Path, Manifest]:
    """Once a size and directory. The manifest has the best digest that this machine knows, as nodes' would."""
    path = directory / f"image-{megabytes}"
    if not path.exists():
        with path.open("wb") as file:
            for _ in range(megabytes):
                file.write(os.urandom(MB))
    return path, manifest_of(path, algorithm=best_of(KNOWN))
