"""Files that users send: `ports.files.Uploads` and `Keeping`, on the shelf.

The room for the whole file is set aside when it is begun, so that no upload fails halfway for others' sake. What came
is on the disk and survives a crash; what is complete is one of the cache's contents, in use until it expires.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
import uuid
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from kadeploy.errors import Conflict, Forbidden, InvalidFile, InvalidOption, Unavailable
from kadeploy.files.checksum import hash_of
from kadeploy.files.private import own
from kadeploy.files.sent import Sent
from kadeploy.files.shelf import Shelf, cannot_write
from kadeploy.files.state_file import StateFile
from kadeploy.ports.files import Keep, Upload, UploadRules

_BLOCK: Final = 1024 * 1024  # bytes, about, handed to the disk at once
_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")
_MIB: Final = 1024 * 1024


class CachedUploads:
    """Open with `CachedUploads.open`."""

    def __init__(self, shelf: Shelf, state: StateFile, rules: UploadRules) -> None:
        self._shelf = shelf
        self._state = state
        self.rules = rules
        self._sent = Sent.from_json(state.load())
        self._sending: set[str] = set()

    @classmethod
    def open(cls, directory: Path, shelf: Shelf, rules: UploadRules) -> CachedUploads:
        """As it was left, blocking: what was half sent is gone on with, what nobody knows is removed."""
        uploads = cls(shelf, StateFile(directory / "uploads.json"), rules)
        uploads._recover()
        return uploads

    def _recover(self) -> None:
        for one in self._sent:
            if one.is_complete and self._shelf.has(one.sha256):
                self._shelf.pin(one.sha256, _owner(one))
            elif self._path(one).exists() or not one.is_complete:
                self._shelf.take(self._path(one), one.size)
                self._as_it_lies(one)
            else:
                self._sent.forget(one)
        known = {one.id for one in self._sent}
        for path in self._shelf.uploads.iterdir():
            if path.name not in known:
                path.unlink()

    async def begin(self, user: str, *, size: int, sha256: str, name: str) -> Upload:
        if not _SHA256.match(sha256):
            raise InvalidOption("sha256: must be the file's SHA-256: 64 hexadecimal digits")
        if size < 1:
            raise InvalidOption("size: must be the file's bytes, and at least one")
        await self.expire()
        before = self._sent.same(user, sha256)
        if before is not None and before.is_complete and not self._shelf.has(sha256):
            if self._path(before).exists():
                before = self._as_it_lies(before)
            else:
                await self._forget([before])
                before = None
        if before is not None:
            return await self._touched(before)
        self._refuse_over_quota(user, size, name)
        upload = Upload(
            id=uuid.uuid4().hex, user=user, name=name, size=size, sha256=sha256, received=0, expires=self._end()
        )
        await self._shelf.make_room(self._path(upload), size, name or "the upload")
        self._sent.put(upload)
        await self._save()
        return upload

    async def append(self, user: str, upload_id: str, offset: int, content: AsyncIterator[bytes]) -> Upload:
        upload = self._sent.of(user, upload_id)
        if upload.id in self._sending:
            raise Conflict(f"somebody is sending the upload {upload_id} already", hint="try again in a minute")
        if offset != upload.received or upload.is_complete:
            raise Conflict(f"the upload {upload_id} goes on at byte {upload.received}, not at {offset}")
        self._sending.add(upload.id)
        try:
            try:
                await self._receive(upload, content)
            except Unavailable:
                if not self._sent.of(user, upload_id).is_complete:
                    raise
            upload = self._sent.of(user, upload_id)
            if upload.received == upload.size:
                await self._admit(upload)
            return await self._touched(upload)
        except OSError as error:
            raise cannot_write(upload.name or "the upload", error) from error
        finally:
            self._sending.discard(upload.id)

    async def listed(self, user: str) -> Sequence[Upload]:
        await self.expire()
        return sorted((one for one in self._sent if one.user == user), key=lambda one: (one.name, one.id))

    async def abandon(self, user: str, upload_id: str) -> None:
        upload = self._sent.of(user, upload_id)
        self._sent.refuse_kept(upload)
        if upload.id in self._sending:
            raise Conflict(f"somebody is sending the upload {upload_id}", hint="try again in a minute")
        await self._forget([upload])

    def owners(self) -> Collection[str]:
        """Under which names the complete ones are pinned."""
        return [_owner(one) for one in self._sent if one.is_complete]

    def holds(self, users: Collection[str], sha256: str) -> bool:
        """Whether one of these sent it, and it is here; then it is not about to expire."""
        if not self._shelf.has(sha256):
            return False
        owned = [one for user in users if (one := self._sent.same(user, sha256)) is not None and one.is_complete]
        for one in owned:
            self._sent.put(replace(one, expires=self._end()))
        return bool(owned)

    async def keep(self, wanted: Collection[Keep]) -> None:
        if self._sent.keep_only(wanted):
            await self._save()

    async def expire(self) -> None:
        """Forget what is over its time."""
        over = [one for one in self._sent.expired(time.time()) if one.id not in self._sending]
        if over:
            await self._forget(over)

    def _as_it_lies(self, upload: Upload) -> Upload:
        """What came is what is in the file. When that is all, and was not checked, the last byte is to come again."""
        path = self._path(upload)
        there = path.stat().st_size if path.exists() else 0
        if there >= upload.size:
            os.truncate(path, upload.size - 1)
        return self._sent.put(replace(upload, received=min(there, upload.size - 1)))

    async def _receive(self, upload: Upload, content: AsyncIterator[bytes]) -> None:
        # Opened anew each time: what was written is what the file's length says.
        with os.fdopen(own(str(self._path(upload)), os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab") as file:
            pieces: list[bytes] = []
            held = 0
            try:
                async for piece in content:
                    pieces.append(piece)
                    held += len(piece)
                    if self._sent.of(upload.user, upload.id).received + held > upload.size:
                        raise InvalidFile(
                            f"{upload.name or 'the upload'} is more than the {upload.size} bytes announced"
                        )
                    if held >= _BLOCK:
                        await self._write(file.fileno(), pieces, upload)
                        pieces, held = [], 0
            except InvalidFile:
                pieces = []
                raise
            finally:
                if pieces:
                    await self._write(file.fileno(), pieces, upload)

    async def _write(self, descriptor: int, pieces: Sequence[bytes], upload: Upload) -> None:
        try:
            await asyncio.to_thread(_write_all, descriptor, b"".join(pieces))
        finally:
            now = self._sent.of(upload.user, upload.id)
            self._sent.put(replace(now, received=os.fstat(descriptor).st_size))

    async def _admit(self, upload: Upload) -> None:
        path = self._path(upload)
        found = await asyncio.to_thread(_settled_hash, path)
        if found != upload.sha256:
            await self._forget([upload])
            raise InvalidFile(
                f"what came of {upload.name or 'the upload'} is not what was announced: its SHA-256 is {found[:12]}…",
                hint="it changed while it was sent: send it again",
            )
        self._shelf.admit(path, upload.sha256, upload.size)
        self._shelf.pin(upload.sha256, _owner(upload))
        await self._shelf.save()

    async def _forget(self, uploads: Sequence[Upload]) -> None:
        for one in uploads:
            self._sent.forget(one)
            self._shelf.give_back(self._path(one))
            self._path(one).unlink(missing_ok=True)
        await self._shelf.release([_owner(one) for one in uploads])
        await self._save()

    async def _touched(self, upload: Upload) -> Upload:
        touched = self._sent.put(replace(upload, expires=self._end()))
        await self._save()
        return touched

    async def _save(self) -> None:
        await self._state.save(self._sent.to_json)

    def _refuse_over_quota(self, user: str, size: int, name: str) -> None:
        used = self._sent.used(user)
        if used + size > self.rules.quota:
            raise Forbidden(
                f"{name or 'the upload'} has {size // _MIB + 1} MiB, and {user} has sent {used // _MIB} MiB of the "
                f"{self.rules.quota // _MIB} MiB that each user may",
                hint="DELETE /uploads/ID forgets one; each expires by itself",
            )

    def _end(self) -> float:
        return time.time() + self.rules.expires

    def _path(self, upload: Upload) -> Path:
        return self._shelf.uploads / upload.id


def _owner(upload: Upload) -> str:
    return f"upload {upload.id} of {upload.user}"


def _write_all(descriptor: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def _settled_hash(path: Path) -> str:
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return hash_of(path)
