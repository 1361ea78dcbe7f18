"""The port `Files`: a local, checked path for any URL, for as long as its owner needs it.

The server's own files are used where they are; what comes from elsewhere is kept on the shelf. Whatever costs
time, a download, a checksum, a test, is done once however many ask for it at the same moment, and its result
is remembered across restarts.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from kadeploy.domain.image import Compression, LocalFile
from kadeploy.errors import Conflict, InvalidFile, NotFound
from kadeploy.files.fetch import too_large
from kadeploy.files.intact import check_intact
from kadeploy.files.memo import Memo
from kadeploy.files.permitted import EVERYTHING, Permitted
from kadeploy.files.served import permit, read_file, seen_file, served_file
from kadeploy.files.shelf import Shelf
from kadeploy.files.source import ServerPath, Uploaded, parse_source, shown
from kadeploy.files.state_file import StateFile
from kadeploy.files.supply import Supply
from kadeploy.files.turns import Turns
from kadeploy.files.uploads import CachedUploads
from kadeploy.files.web import Web
from kadeploy.ports.files import FileOrder, Kept, Reader, ReportBytes, UploadRules, nobody

AT_ONCE: Final = 16 * 1024 * 1024  # bytes that are read and checked in a moment
_NO_UPLOADS: Final = UploadRules(quota=0, expires=0.0)


class FileCache:
    """`ports.files.Files` and `Contents`; `uploads` beside it. Open with `FileCache.open`."""

    def __init__(
        self,
        shelf: Shelf,
        memo: StateFile,
        permitted: Permitted,
        web: Web,
        uploads: CachedUploads,
        test_deadline: float,
    ) -> None:
        self._shelf = shelf
        self._memo_file = memo
        self._memo = Memo.from_json(memo.load())
        self._permitted = permitted
        self._supply = Supply(shelf, web)
        self.uploads = uploads
        self._test_deadline = test_deadline
        self._reads: Turns[LocalFile] = Turns()
        self._tests: Turns[bool] = Turns()

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        size: int,
        permitted: Permitted,
        web: Web | None = None,
        uploads: UploadRules = _NO_UPLOADS,
        test_deadline: float = 1800.0,
    ) -> FileCache:
        """Use `directory` for at most `size` bytes, blocking; raises CacheProblem.

        `server://` files must be `permitted`; a decompressor's test may take `test_deadline` seconds.
        """
        shelf = Shelf.open(directory, size)
        try:
            sent = CachedUploads.open(directory, shelf, uploads)
            return cls(shelf, StateFile(directory / "memo.json"), permitted, web or Web(), sent, test_deadline)
        except BaseException:
            shelf.close()
            raise

    def close(self) -> None:
        self._shelf.close()

    def become(self, *, size: int, permitted: Permitted, web: Web, uploads: UploadRules) -> None:
        """Go by these from the next file on; what is too much then goes when room is needed."""
        self._shelf.limit, self._permitted, self.uploads.rules = size, permitted, uploads
        self._supply.become(web)

    async def pin(self, order: FileOrder, *, owner: str, report: ReportBytes = nobody) -> LocalFile:
        await self.uploads.expire()
        source = parse_source(order.url)
        if isinstance(source, ServerPath):
            file = await self._server_file(source.path, order)
            if not order.copied:
                await self._check(file, order)
                return file
            _refuse_large(file.size, order)
            sha256 = await self._supply.copied(file, order.url)
        elif isinstance(source, Uploaded):
            is_kept = owner in self._shelf.users_of(source.sha256)  # since it was judged
            sha256 = source.sha256 if is_kept else self._sent(source, order.reader)
        else:
            sha256 = self._supply.known(source, order.checksum.lower())
            sha256 = sha256 or await self._supply.fetched(source, order, report)
        return await self._pinned(sha256, order, owner)

    async def judge(self, order: FileOrder, *, owner: str) -> int:
        source = parse_source(order.url)
        if isinstance(source, ServerPath):
            permitted, users = self._permitted_to(order)
            await permit(source.path, "", permitted, users)
            seen = await seen_file(source.path)
            await permit(source.path, seen.path, permitted, users)
            _refuse_large(seen.size, order)
            if seen.size <= AT_ONCE:
                await self._check(await self._server_file(source.path, order), order)
            return seen.size
        if isinstance(source, Uploaded):
            await self.uploads.expire()
            sent = self._shelf.file(self._sent(source, order.reader))
            read = order.compression if sent.size <= AT_ONCE else None
            return (await self._pinned(sent.sha256, replace(order, compression=read), owner)).size
        if known := self._supply.known(source, order.checksum.lower()):
            return self._shelf.file(known).size
        return await self._supply.glance(source, order)

    async def read(self, order: FileOrder) -> bytes:
        source = parse_source(order.url)
        if not isinstance(source, ServerPath):
            raise InvalidFile(f"{shown(order.url)} is not a file of the server", hint="as in server:///PATH")
        permitted, users = self._permitted_to(order)
        await permit(source.path, "", permitted, users)
        file, content = await read_file(source.path, order.limit)
        await permit(source.path, file.path, permitted, users)
        _refuse_large(file.size, order)
        return content

    async def release(self, owner: str) -> None:
        await self._shelf.release([owner])

    def in_use(self, sha256: str) -> Path | None:
        """Where the content with that SHA-256 is, when it is kept here and somebody has it pinned."""
        return Path(self._shelf.file(sha256).path) if self._shelf.is_pinned(sha256) else None

    def owners(self) -> Collection[str]:
        """Who pins files now."""
        return self._shelf.owners()

    async def keep_only(self, owners: Collection[str]) -> None:
        """Release everybody else but the uploads: at the start, those whose end was not seen."""
        kept = {*owners, *self.uploads.owners()}
        await self._shelf.release(set(self._shelf.owners()) - kept)

    @property
    def limit(self) -> int:
        return self._shelf.limit

    @property
    def half(self) -> int:
        return self._shelf.half

    def kept(self) -> Sequence[Kept]:
        contents = sorted(self._shelf.contents().items(), key=lambda item: item[1].used, reverse=True)
        return [
            Kept(
                sha256=sha256,
                size=content.size,
                used=content.used,
                origins=tuple(self._shelf.origins_of(sha256)),
                users=tuple(self._shelf.users_of(sha256)),
            )
            for sha256, content in contents
        ]

    async def clean(self, sha256: Sequence[str] | None = None) -> Sequence[Kept]:
        await self.uploads.expire()
        held = {one.sha256: one for one in self.kept()}
        for wanted in sha256 or ():
            if wanted not in held:
                raise NotFound(f"the cache has no content {wanted}")
            if held[wanted].users:
                raise Conflict(f"{wanted} is in use by {', '.join(held[wanted].users)}")
        gone = [one for one in held.values() if not one.users and (sha256 is None or one.sha256 in sha256)]
        await self._shelf.remove([one.sha256 for one in gone])
        if sha256 is None:
            self._shelf.drop_halves()
        return gone

    def _sent(self, source: Uploaded, reader: Reader) -> str:
        """What one of the reader's users sent."""
        if not self.uploads.holds(reader.users, source.sha256):
            who = " or ".join(reader.users) or "anybody"
            raise InvalidFile(f"upload://{source.sha256[:12]}… is no upload of {who}, or has expired")
        return source.sha256

    async def _pinned(self, sha256: str, order: FileOrder, owner: str) -> LocalFile:
        checking = f"{owner} checks {uuid.uuid4().hex}"  # not the owner: another pin of theirs may be done before
        self._shelf.pin(sha256, checking)
        try:
            file = self._shelf.file(sha256)
            await self._check(file, order)
            self._shelf.pin(sha256, owner)
        finally:
            self._shelf.unpin(sha256, checking)
        await self._shelf.save()
        return file

    async def _server_file(self, path: str, order: FileOrder) -> LocalFile:
        permitted, users = self._permitted_to(order)
        await permit(path, "", permitted, users)
        file = await self._reads.share(path, lambda: self._read(path))
        await permit(path, file.path, permitted, users)
        return file

    def _permitted_to(self, order: FileOrder) -> tuple[Permitted, Sequence[str]]:
        return (EVERYTHING, ()) if order.trusted else (self._permitted, order.reader.users)

    async def _read(self, path: str) -> LocalFile:
        file = await served_file(path, self._memo)
        await self._memo_file.save(self._memo.to_json)
        return file

    async def _check(self, file: LocalFile, order: FileOrder) -> None:
        _refuse_large(file.size, order)
        if order.checksum and file.sha256 != order.checksum.lower():
            raise InvalidFile(
                f"{shown(order.url)} has changed since it was recorded: its checksum is {file.sha256[:12]}…, "
                f"recorded was {order.checksum[:12]}…",
                hint="if the new file is the right one, run kaenv --update-image-checksum NAME",
            )
        wanted = order.compression
        if wanted is None or self._memo.is_intact(file.sha256, wanted):
            return
        await self._tests.share(f"{wanted} {file.sha256}", lambda: self._test(file, order.url, wanted))

    async def _test(self, file: LocalFile, url: str, compression: Compression) -> bool:
        await check_intact(file.path, compression, called=shown(url), deadline=self._test_deadline)
        self._memo.remember_intact(file.sha256, compression)
        await self._memo_file.save(self._memo.to_json)
        return True


def _refuse_large(size: int, order: FileOrder) -> None:
    if order.limit is not None and size > order.limit:
        raise too_large(shown(order.url), order.limit)
