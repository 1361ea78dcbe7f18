"""SHA-256 of files, and telling whether a file is still the one that was hashed."""

from __future__ import annotations

import hashlib
import os
import threading
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Final

from kadeploy.files.sink import Sink

_BLOCK: Final = 1024 * 1024  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One content of one file, as far as its file system tells. The change time shows what keeps the others."""

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    device: int

    @classmethod
    def of(cls, path: str, status: os.stat_result) -> Version:
        return cls(
            path=path,
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
            ctime_ns=status.st_ctime_ns,
            inode=status.st_ino,
            device=status.st_dev,
        )


def sha256_of(file: FileIO, stop: threading.Event) -> str:
    """Hash an open file from where it stands; blocking, ended early by `stop` when nobody wants it any more."""
    digest = hashlib.sha256()
    block = bytearray(_BLOCK)
    while not stop.is_set() and (count := file.readinto(block)):
        digest.update(memoryview(block)[:count])
    return digest.hexdigest()


def copy_hashed(source: str, target: Path, stop: threading.Event) -> str:
    """Copy a file, blocking, ended early by `stop`; the SHA-256 of what was copied."""
    with open(source, "rb") as reading, Sink(target) as sink:
        while not stop.is_set() and (block := reading.read(_BLOCK)):
            sink.keep([block])
        return sink.finish()


def hash_of(path: Path) -> str:
    """Blocking."""
    with path.open("rb", buffering=0) as file:
        return sha256_of(file, threading.Event())
