"""Where the bytes of one file land: written and hashed on the way. What a sink does blocks."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from kadeploy.files.private import own

NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Sink:
    """`received` is how many bytes are in it."""

    def __init__(self, target: Path) -> None:
        """`target` must not exist."""
        self._file = open(target, "xb", opener=own)  # noqa: SIM115 - closed by `__exit__`
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
