"""Files that are read where they are on the server: only regular files under the permitted directories.

Links are followed and the place they lead to is what counts, asked of the open file itself: whoever can write
in a permitted directory may swap a directory for a link at any moment. The answer for a path outside is the
same whether there is a file or not.
"""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import threading
from collections.abc import Sequence
from io import BufferedReader, FileIO
from typing import Final

from kadeploy.domain.image import LocalFile
from kadeploy.errors import InvalidFile
from kadeploy.files.checksum import Version, sha256_of
from kadeploy.files.memo import Memo
from kadeploy.files.permitted import Permitted

_WHY: Final = {
    errno.ENOENT: "does not exist",
    errno.ENOTDIR: "does not exist",
    errno.EACCES: "cannot be read by the server: permission denied",
    errno.EISDIR: "is a directory",
    errno.ELOOP: "changed while it was opened",
}


async def permit(path: str, real: str, permitted: Permitted, users: Sequence[str]) -> None:
    """Raises InvalidFile when where the path leads is not for these users."""
    try:
        await asyncio.to_thread(lambda: permitted.check(path, real or os.path.realpath(path), users))
    except OSError as error:
        raise InvalidFile(f"the file {path} changed while it was looked for", hint="try again") from error


async def served_file(path: str, memo: Memo) -> LocalFile:
    """The file in its place, with its SHA-256: from the memo, else hashed now. Raises InvalidFile.

    Its path is the one that was really opened, which is to be permitted too.
    """
    stop = threading.Event()
    try:
        version, sha256 = await asyncio.to_thread(_examine, path, memo, stop)
    except OSError as error:
        raise _unreadable(path, error) from error
    finally:
        stop.set()
    memo.remember_checksum(version, sha256)
    return LocalFile(path=version.path, size=version.size, sha256=sha256)


async def seen_file(path: str) -> Version:
    """The file as it is there now, not read yet. Raises InvalidFile, as `served_file` does."""
    try:
        return await asyncio.to_thread(_see, path)
    except OSError as error:
        raise _unreadable(path, error) from error


async def read_file(path: str, limit: int | None) -> tuple[Version, bytes]:
    """The file as it is there now, and its content, of which at most `limit` bytes are read. Raises InvalidFile."""
    try:
        return await asyncio.to_thread(_content, path, -1 if limit is None else limit)
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: str, error: OSError) -> InvalidFile:
    why = _WHY.get(error.errno or 0, f"cannot be read by the server: {error.strerror}")
    return InvalidFile(f"the file {path} {why}")


def _see(path: str) -> Version:
    with _opened(path) as file:
        return _version(path, file)


def _content(path: str, most: int) -> tuple[Version, bytes]:
    with _opened(path) as file, BufferedReader(file) as whole:
        return _version(path, file), whole.read(most)


def _opened(path: str) -> FileIO:
    # Not waiting for a named pipe's writer; not following a link that came after realpath.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    return FileIO(os.open(os.path.realpath(path), flags))


def _version(path: str, file: FileIO) -> Version:
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise InvalidFile(f"{path} is not a file")
    if status.st_size == 0:
        raise InvalidFile(f"the file {path} is empty")
    return Version.of(os.readlink(f"/proc/self/fd/{file.fileno()}"), status)


def _examine(path: str, memo: Memo, stop: threading.Event) -> tuple[Version, str]:
    with _opened(path) as file:
        version = _version(path, file)
        sha256 = memo.checksum(version) or sha256_of(file, stop)
    if Version.of(version.path, os.stat(version.path)) != version:
        raise InvalidFile(f"the file {path} is being written", hint="try again when it is complete")
    return version, sha256
