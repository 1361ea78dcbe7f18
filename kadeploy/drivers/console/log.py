"""What consoles say, kept in a file for each node: NODE.log in one directory, the one before as NODE.log.1."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LARGEST: Final = 16 * 1024 * 1024  # bytes of a file

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class ConsoleLogs:
    """Without a `directory`, which may change at any time, nothing is kept. `largest` is in bytes, for each of a node's
    two files. Only the server's user may read them: passwords are typed at consoles."""

    directory: Path | None
    largest: int = LARGEST

    def of(self, node: str) -> Callable[[bytes], None]:
        """What a node says is written with this. A log that cannot be written takes nothing from those who attend."""
        directory = self.directory
        if directory is None:
            return lambda said: None
        path = directory / f"{node}.log"

        def keep(said: bytes) -> None:
            try:
                directory.mkdir(parents=True, exist_ok=True, mode=0o700)
                if path.exists() and path.stat().st_size + len(said) > self.largest:
                    path.replace(path.with_suffix(".log.1"))
                descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
                try:
                    os.write(descriptor, said)
                finally:
                    os.close(descriptor)
            except OSError as error:
                log.warning("%s cannot be written: %s", path, error.strerror)

        return keep
