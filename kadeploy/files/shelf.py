"""The fetched files on the disk, never more of them than fits.

lock            held while the server runs: one server at a time
index.json      what is kept, where it came from, who uses it
contents/HASH   the files, under the SHA-256 of what is in them
incoming/       what is being fetched, or removed; emptied at the start
halves/         what has come half and may be gone on with; halves.json says of what
uploads/        what users are sending; uploads.json says whose
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import shutil
import stat
import time
import uuid
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from kadeploy.domain.image import LocalFile
from kadeploy.errors import CacheFull, CacheInUse, CacheProblem
from kadeploy.files.fetch import Begun, Landing, Validators
from kadeploy.files.halves import Halves
from kadeploy.files.index import Content, Index, Origin
from kadeploy.files.sink import NO_SPACE
from kadeploy.files.state_file import StateFile

_HASH: Final = re.compile(r"[0-9a-f]{64}\Z")
_MIB: Final = 1024 * 1024

LOCK: Final = "lock"


class Shelf:
    """`limit` is in bytes. Open with `Shelf.open`."""

    def __init__(self, directory: Path, limit: int, lock: int) -> None:
        self._contents = directory / "contents"
        self._incoming = directory / "incoming"
        self.uploads = directory / "uploads"
        self._lock = lock
        self.limit = limit
        self._granted: dict[Path, int] = {}
        self._state = StateFile(directory / "index.json")
        sizes = {path.name: path.stat().st_size for path in self._contents.iterdir() if _HASH.match(path.name)}
        self._index = Index.from_json(self._state.load(), sizes, at=time.time())
        self._halves = Halves(directory)
        for path, size in self._halves.idle():
            self.take(path, size)

    @classmethod
    def open(cls, directory: Path, limit: int) -> Shelf:
        """Take the directory over as it was left, blocking; raises CacheProblem."""
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            _refuse_shared(directory)
            lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(directory / "incoming", ignore_errors=True)
                for name in ("incoming", "contents", "uploads", "halves"):
                    (directory / name).mkdir(mode=0o700, exist_ok=True)
                return cls(directory, limit, lock)
            except BaseException:
                os.close(lock)
                raise
        except BlockingIOError as error:
            raise CacheInUse(f"the cache {directory} is in use by another server", hint="give each its own") from error
        except OSError as error:
            raise CacheProblem(f"the cache {directory} cannot be used: {error.strerror}") from error

    def close(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def origin(self, url: str) -> Origin | None:
        """What the URL gave last, if that is still here."""
        origin = self._index.origins.get(url)
        return origin if origin is not None and self.has(origin.sha256) else None

    def has(self, sha256: str) -> bool:
        """Whether it is here and whole: somebody may have cleaned up."""
        content = self._index.contents.get(sha256)
        if content is None:
            return False
        with suppress(OSError):
            if (self._contents / sha256).stat().st_size == content.size:
                return True
        self._index.drop(sha256)
        return False

    def file(self, sha256: str) -> LocalFile:
        size = self._index.contents[sha256].size
        return LocalFile(path=str(self._contents / sha256), size=size, sha256=sha256)

    @asynccontextmanager
    async def incoming(self, called: str, place: str = "") -> AsyncIterator[Landing]:
        """Where to write what is fetched; what is still there at the end is removed. With a `place`, where it comes
        from, what has come half is kept for the next who asks for it, if it can be gone on with."""
        for old in self._halves.drop_old():
            self.give_back(old)
        half = self._halves.take(place) if place else None
        path = half or self._incoming / uuid.uuid4().hex
        begun = None if half is None else self._halves.begun(half)

        async def make_room(size: int) -> None:
            await self.make_room(path, size, called)

        async def note(now: Begun | None) -> None:
            if half is not None:
                await self._halves.note(half, now)

        try:
            yield Landing(path=path, make_room=make_room, note=note, begun=begun)
        except OSError:
            path.unlink(missing_ok=True)  # it could not be written: what came would only be in the way
            raise
        finally:
            self.give_back(path)
            if half is None:
                path.unlink(missing_ok=True)
            elif size := self._halves.leave(half):
                self.take(half, size)

    def refuse_too_large(self, called: str, size: int) -> None:
        """What would not fit if nothing else were here. Raises CacheFull."""
        if size > self.limit:
            raise _full(called, size, self.limit)

    def give_back(self, path: Path) -> None:
        """The room that was made for it."""
        self._granted.pop(path, None)

    def take(self, path: Path, size: int) -> None:
        """So much room is its already, whatever the limit says now: it was made before a restart."""
        self._granted[path] = size

    def admit(self, partial: Path, sha256: str, size: int) -> None:
        """Keep what was fetched."""
        partial.rename(self._contents / sha256)
        self.give_back(partial)
        self._index.add(sha256, size=size, at=time.time())

    def remember(self, origin: str, sha256: str, validators: Validators) -> None:
        """That it came from there."""
        self._index.origins[origin] = Origin(sha256=sha256, validators=validators)

    def pin(self, sha256: str, owner: str) -> bool:
        """Keep it for the owner; whether that is new."""
        return self._index.pin(sha256, owner, at=time.time())

    def contents(self) -> dict[str, Content]:
        return dict(self._index.contents)

    def users_of(self, sha256: str) -> list[str]:
        return self._index.users_of(sha256)

    def origins_of(self, sha256: str) -> list[str]:
        return self._index.origins_of(sha256)

    async def remove(self, sha256s: Iterable[str]) -> None:
        """Whatever uses them."""
        await self._drop(sha256s)
        await self.save()

    def is_pinned(self, sha256: str) -> bool:
        return sha256 in self._index.in_use() and self.has(sha256)

    def unpin(self, sha256: str, owner: str) -> None:
        self._index.unpin(sha256, owner)

    async def release(self, owners: Iterable[str]) -> None:
        held = [self._index.release(owner) for owner in owners]
        if any(held):
            await self.save()

    def owners(self) -> Collection[str]:
        return tuple(self._index.pins)

    async def save(self) -> None:
        await self._state.save(self._index.to_json)

    async def make_room(self, path: Path, size: int, called: str) -> None:
        """Set so many bytes aside for what will be at the path, in place of what was. Raises CacheFull."""
        space = self.limit - size - sum(self._granted.values()) + self._granted.get(path, 0)
        halves = [(half, held) for half, held in self._halves.idle() if half != path]
        if self._index.victims(space + sum(held for _, held in halves)) is None:
            raise _full(called, size, self.limit)
        for half, held in halves:
            if self._index.victims(space) == []:
                break
            self._drop_half(half)
            space += held
        self._granted[path] = size
        await self._drop(self._index.victims(space) or [])

    @property
    def half(self) -> int:
        """Bytes of what has come half and nobody is fetching."""
        return sum(size for _, size in self._halves.idle())

    def drop_halves(self) -> None:
        for half, _ in list(self._halves.idle()):
            self._drop_half(half)

    def _drop_half(self, path: Path) -> None:
        self._halves.drop(path)
        self.give_back(path)

    async def _drop(self, sha256s: Iterable[str]) -> None:
        doomed = []
        for sha256 in sha256s:
            self._index.drop(sha256)
            # Renamed at once, removed in a thread: the same content may arrive again meanwhile.
            doomed.append(self._incoming / uuid.uuid4().hex)
            with suppress(FileNotFoundError):
                (self._contents / sha256).rename(doomed[-1])
        if doomed:
            await asyncio.to_thread(_remove, doomed)


def _refuse_shared(directory: Path) -> None:
    """Whoever else may write there could make the server serve their bytes. Raises CacheProblem."""
    status = directory.stat()
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise CacheProblem(f"the cache {directory} is not this server's alone", hint="give it a directory of its own")


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _full(called: str, size: int, limit: int) -> CacheFull:
    needs = f"{called} needs at least {size // _MIB + 1} MiB of the file cache, which has {limit // _MIB} MiB"
    if size > limit:
        return CacheFull(needs, hint="the administrators can enlarge it")
    return CacheFull(f"{needs}, mostly in use", hint="try again when other operations have ended")


def cannot_write(called: str, error: OSError) -> CacheFull | CacheProblem:
    """What to say when a file could not be written to the disk."""
    kind: type[CacheFull | CacheProblem] = CacheFull if error.errno in NO_SPACE else CacheProblem
    return kind(f"{called} cannot be kept by the server: {error.strerror}")
