"""A file that has come half to this machine, beside its place: `.NAME.part`, and `.NAME.part.json`, which says of what.

So who was interrupted, killed or cut off goes on with it, if its server vouches for it being the same file, as the
server does with its own (`files/halves.py`). One at a time brings a file: the note is locked meanwhile.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from kadeploy.errors import Conflict
from kadeploy.files.fetch import Begun
from kadeploy.files.halves import begun_from, this_start


class Half:
    """`path` is where its bytes are; `begun` what they are of, None when there are none to go on with."""

    def __init__(self, path: Path, note: int, source: str) -> None:
        self.path = path
        self._note = note
        self._source = hashlib.sha256(source.encode()).hexdigest()  # a URL can have a password in it
        self.begun = self._noted() if _is_own(path) else None
        if self.begun is None:
            self.drop()

    def note(self, begun: Begun | None) -> None:
        """What the next bytes will be of; None when nobody can go on with them."""
        self.begun = begun
        told = {"source": self._source, "boot": this_start(), "begun": asdict(begun)} if begun else None
        os.ftruncate(self._note, 0)
        os.pwrite(self._note, json.dumps(told).encode(), 0)

    def drop(self) -> None:
        self.note(None)
        self.path.unlink(missing_ok=True)

    @property
    def size(self) -> int:
        """Bytes that are there."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def is_kept(self) -> bool:
        return self.begun is not None and self.size > 0

    def _noted(self) -> Begun | None:
        """What cannot be read was not written to its end."""
        try:
            told = json.loads(os.pread(self._note, os.fstat(self._note).st_size, 0))
            same = (told["source"], told["boot"]) == (self._source, this_start())
            return begun_from(told["begun"]) if same and this_start() else None
        except (ValueError, KeyError, TypeError):
            return None


@contextmanager
def half_of(target: Path, source: str) -> Iterator[Half]:
    """What has come of it, and will; what cannot be gone on with is removed in the end.

    Raises Conflict while somebody else brings it, and OSError.
    """
    path = target.with_name(f".{target.name}.part")
    place = path.with_name(f"{path.name}.json")
    note = _locked(place, target)
    try:
        half = Half(path, note, source)
        try:
            yield half
        finally:
            if not half.is_kept:
                half.drop()
                place.unlink(missing_ok=True)
    finally:
        os.close(note)


def _locked(place: Path, target: Path) -> int:
    while True:
        note = os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(note, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(note)
            raise Conflict(f"{target} is being brought by another kadmin install") from error
        if os.fstat(note).st_nlink:
            return note
        os.close(note)  # who had it has just removed it


def _is_own(path: Path) -> bool:
    """Nobody else's, and no way to another file: both may have been put there by who can write to the directory."""
    return path.is_file() and not path.is_symlink() and path.stat().st_uid == os.geteuid()
