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
from io import FileIO
from pathlib import Path
from typing import Final

from kadeploy.domain.image import LocalFile
from kadeploy.errors import InvalidFile
from kadeploy.files.checksum import Version, sha256_of
from kadeploy.files.memo import Memo

_WHY: Final = {
    errno.ENOENT: "does not exist",
    errno.ENOTDIR: "does not exist",
    errno.EACCES: "cannot be read by the server: permission denied",
    errno.EISDIR: "is a directory",
    errno.ELOOP: "changed while it was opened",
}


async def served_file(path: str, roots: Sequence[Path], memo: Memo) -> LocalFile:
    """The file in its place, with its SHA-256: from the memo, else hashed now. Raises InvalidFile."""
    stop = threading.Event()
    try:
        version, sha256 = await asyncio.to_thread(_examine, path, roots, memo, stop)
    except OSError as error:
        why = _WHY.get(error.errno or 0, f"cannot be read by the server: {error.strerror}")
        raise InvalidFile(f"the file {path} {why}") from error
    finally:
        stop.set()
    memo.remember_checksum(version, sha256)
    return LocalFile(path=version.path, size=version.size, sha256=sha256)


def _examine(path: str, roots: Sequence[Path], memo: Memo, stop: threading.Event) -> tuple[Version, str]:
    real = os.path.realpath(path)
    _permit(path, real, roots)
    # Not waiting for a named pipe's writer; not following a link that came after realpath.
    descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with FileIO(descriptor) as file:
        _permit(path, os.readlink(f"/proc/self/fd/{descriptor}"), roots)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise InvalidFile(f"{path} is not a file")
        if status.st_size == 0:
            raise InvalidFile(f"the file {path} is empty")
        version = Version.of(real, status)
        sha256 = memo.checksum(version) or sha256_of(file, stop)
    if Version.of(real, os.stat(real)) != version:
        raise InvalidFile(f"the file {path} is being written", hint="try again when it is complete")
    return version, sha256


def _permit(path: str, real: str, roots: Sequence[Path]) -> None:
    if not any(Path(real).is_relative_to(os.path.realpath(root)) for root in roots):
        raise InvalidFile(
            f"the file {path} is not under a directory that this server may read images from",
            hint="put it where the administrators permit",
        )
