"""A file as a sink: it has its name only when it is whole and synced.

What stands under that name and is no file (a disk, a pipe, a directory) is not replaced: whoever forgets to say that
a disk is one must not lose its node in /dev.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path
from typing import Final

from kadeploy.broadcast.sink_failed import SinkFailed, reason

USUAL_MODE: Final = 0o644
_KINDS: Final = {stat.S_IFDIR: "is a directory", stat.S_IFBLK: "is a block device, and no file"}


class FileSink:
    """`mode`: of a file that was not there, as far as the user's umask allows it. One that was there keeps its mode
    and, where this user may give it away, its owner; a link stays, and what it leads to is replaced."""

    def __init__(self, path: str, mode: int = USUAL_MODE) -> None:
        self._path, self._mode = Path(path), mode
        self._part: Path | None = None  # of a name that nobody else has: two that write the same file do not mix
        self._file = -1

    def open(self, size: int) -> None:
        with reason(self._path):
            target = Path(os.path.realpath(self._path))
            before = _file_there(target, self._path)
            part = target.with_name(f"{target.name}.{secrets.token_hex(4)}.part")
            self._file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, self._mode)
            self._part = part
            if before is not None:
                _take_after(self._file, before)
            if size:
                os.posix_fallocate(self._file, 0, size)

    def write(self, data: memoryview) -> None:
        with reason(self._path):
            while data:
                data = data[os.write(self._file, data) :]

    def finish(self) -> None:
        assert self._part is not None
        with reason(self._path):
            os.fsync(self._file)
            os.close(self._file)
            self._file = -1
            target = Path(os.path.realpath(self._path))
            _file_there(target, self._path)
            self._part.replace(target)
            self._part = None
            directory = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
            os.fsync(directory)
            os.close(directory)

    def abort(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        if self._part is not None:
            with contextlib.suppress(OSError):
                self._part.unlink(missing_ok=True)

    def interrupt(self) -> None: ...


def _file_there(target: Path, path: Path) -> os.stat_result | None:
    """Raises SinkFailed for what must not be replaced by a file; `path` is its name as it was given."""
    try:
        found = target.stat()
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(found.st_mode):
        raise SinkFailed(f"{path} {_KINDS.get(stat.S_IFMT(found.st_mode), 'is no plain file')}")
    return found


def _take_after(file: int, before: os.stat_result) -> None:
    with contextlib.suppress(PermissionError):
        os.fchown(file, before.st_uid, before.st_gid)
    os.fchmod(file, stat.S_IMODE(before.st_mode))
