"""What is to be sent, as a file that any byte can be had of again: what comes through a pipe is stored first."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

STANDARD_INPUT: Final = Path("-")
_PIECE: Final = 1 << 20  # bytes


def comes_through_a_pipe(file: Path) -> bool:
    """Then it has no name of its own, and can be read once only."""
    if file == STANDARD_INPUT:
        return True
    kind = file.stat().st_mode
    return stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)


def mode_of(file: Path) -> int:
    """Who may read, write and run it, of permissions that a copy takes over."""
    return stat.S_IMODE(file.stat().st_mode) & 0o777


@contextlib.contextmanager
def as_file(file: Path) -> Iterator[Path]:
    """The file itself, or where a copy is for as long as this lasts (in TMPDIR, without a name). Raises OSError."""
    if not comes_through_a_pipe(file):
        yield file
        return
    with tempfile.TemporaryFile() as copy, _opened(file) as source:
        shutil.copyfileobj(source, copy, _PIECE)
        copy.flush()
        yield Path(f"/proc/{os.getpid()}/fd/{copy.fileno()}")


@contextlib.contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    if file == STANDARD_INPUT:
        yield sys.stdin.buffer
        return
    with file.open("rb") as source:
        yield source
