"""Where the bytes of one file land: written and hashed on the way. What a sink does blocks."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from kadeploy.files.private import own

_BLOCK: Final = 1024 * 1024  # bytes
NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Sink:
    """`received` is how many bytes are in it."""

    def __init__(self, target: Path, *, going_on: bool = False) -> None:
        """`target` must not exist, but to go on with it: then `reread` it, or `restart`."""
        self._file = open(target, "r+b" if going_on else "xb", opener=own)  # noqa: SIM115 - closed by `__exit__`
        self._digest = hashlib.sha256()
        self.received = 0

    def __enter__(self) -> Sink:
        return self

    def __exit__(self, *failure: object) -> None:
        self._file.close()

    def keep(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self._digest.update(piece)
            self._file.write(piece)
            self.received += len(piece)

    def reread(self, stop: threading.Event, most: int | None = None) -> None:
        """Go on after what is there, or after `most` bytes of it; ended early by `stop`."""
        size = os.fstat(self._file.fileno()).st_size
        self._file.truncate(size if most is None else min(size, most))
        while not stop.is_set() and (block := self._file.read(_BLOCK)):
            self._digest.update(block)
            self.received += len(block)

    def restart(self) -> None:
        """Forget what came."""
        self._file.seek(0)
        self._file.truncate()
        self._digest = hashlib.sha256()
        self.received = 0

    def finish(self) -> str:
        """The SHA-256. On the disk: after a power cut, a name that says what is inside must not stand for zeros."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._digest.hexdigest()
