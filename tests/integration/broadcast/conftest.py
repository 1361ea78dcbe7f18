from __future__ import annotations

import random
from pathlib import Path

import pytest

from kadeploy.broadcast.manifest import Manifest, manifest_of
from kadeploy.broadcast.sink import SinkKind, SinkOrder

SIZE = 12_345_678


class Image:
    """A file, what it holds, and where nodes put their copies."""

    def __init__(self, directory: Path, content: bytes) -> None:
        self.directory, self.path = directory, directory / "image"
        self.content = content
        self.path.write_bytes(self.content)
        self.manifest: Manifest = manifest_of(self.path)

    def file_of(self, name: str) -> SinkOrder:
        return SinkOrder(kind=SinkKind.FILE, path=str(self.directory / f"copy-{name}"))

    def is_whole(self, name: str) -> bool:
        copy = self.directory / f"copy-{name}"
        return copy.exists() and copy.read_bytes() == self.content


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return Image(tmp_path, random.Random(1).randbytes(SIZE))
