"""The port `Files`: a local, checked path for any URL, for as long as its owner needs it.

The server's own files are used where they are; what comes from the web is kept on the shelf. Whatever costs
time, a download, a checksum, a test, is done once however many ask for it at the same moment, and its result
is remembered across restarts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from pathlib import Path

from kadeploy.domain.image import Compression, LocalFile
from kadeploy.errors import InvalidFile
from kadeploy.files.checksum import copy_hashed
from kadeploy.files.fetch import Fetched, FetchLimits, Validators, fetch
from kadeploy.files.intact import check_intact
from kadeploy.files.memo import Memo
from kadeploy.files.served import served_file
from kadeploy.files.shelf import Shelf, cannot_write
from kadeploy.files.source import ServerPath, parse_source, shown
from kadeploy.files.state_file import StateFile
from kadeploy.files.turns import Turns


class FileCache:
    """`ports.files.Files`. Open with `FileCache.open`."""

    def __init__(
        self, shelf: Shelf, memo: StateFile, roots: Sequence[Path], limits: FetchLimits, test_deadline: float
    ) -> None:
        self._shelf = shelf
        self._memo_file = memo
        self._memo = Memo.from_json(memo.load())
        self._roots = tuple(roots)
        self._limits = limits
        self._test_deadline = test_deadline
        self._reads: Turns[LocalFile] = Turns()
        self._downloads: Turns[str] = Turns()
        self._tests: Turns[bool] = Turns()

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        size: int,
        roots: Sequence[Path],
        limits: FetchLimits | None = None,
        test_deadline: float = 1800.0,
    ) -> FileCache:
        """Use `directory` for at most `size` bytes of fetched files, blocking; raises CacheProblem.

        `server://` files must be under one of `roots`; a decompressor's test may take `test_deadline` seconds.
        """
        shelf = Shelf.open(directory, size)
        return cls(shelf, StateFile(directory / "memo.json"), roots, limits or FetchLimits(), test_deadline)

    def close(self) -> None:
        self._shelf.close()

    async def pin(
        self,
        url: str,
        *,
        owner: str,
        checksum: str = "",
        compression: Compression | None = None,
        copied: bool = False,
        trusted: bool = False,
    ) -> LocalFile:
        source = parse_source(url)
        if isinstance(source, ServerPath):
            roots = (Path("/"),) if trusted else self._roots
            file = await self._reads.share(f"{trusted} {source.path}", lambda: self._read(source.path, roots))
            if not copied:
                await self._check(file, url, checksum, compression)
                return file
            sha256 = await self._kept(file, url)
        else:
            sha256 = await self._obtain(url, checksum.lower())
        is_new = self._shelf.pin(sha256, owner)
        try:
            file = self._shelf.file(sha256)
            await self._check(file, url, checksum, compression)
            await self._shelf.save()
        except BaseException:
            if is_new:
                self._shelf.unpin(sha256, owner)
            raise
        return file

    async def release(self, owner: str) -> None:
        await self._shelf.release([owner])

    def in_use(self, sha256: str) -> Path | None:
        """Where the content with that SHA-256 is, when it is kept here and somebody has it pinned."""
        return Path(self._shelf.file(sha256).path) if self._shelf.is_pinned(sha256) else None

    def owners(self) -> Collection[str]:
        """Who pins files now."""
        return self._shelf.owners()

    async def keep_only(self, owners: Collection[str]) -> None:
        """Release everybody else: at the start, those whose end was not seen."""
        await self._shelf.release(set(self._shelf.owners()) - set(owners))

    async def _read(self, path: str, roots: Sequence[Path]) -> LocalFile:
        file = await served_file(path, roots, self._memo)
        await self._memo_file.save(self._memo.to_json)
        return file

    async def _kept(self, file: LocalFile, url: str) -> str:
        while not self._shelf.has(file.sha256):
            await self._downloads.share(file.sha256, lambda: self._copy(file, url))
        return file.sha256

    async def _copy(self, file: LocalFile, url: str) -> str:
        try:
            async with self._shelf.incoming(url) as (target, make_room):
                await make_room(file.size)
                if await asyncio.to_thread(copy_hashed, file.path, target) != file.sha256:
                    raise InvalidFile(f"the file {file.path} is being written", hint="try again when it is complete")
                self._shelf.admit(target, Fetched(size=file.size, sha256=file.sha256, validators=Validators()), url)
                return file.sha256
        except OSError as error:
            raise cannot_write(url, error) from error

    async def _obtain(self, url: str, checksum: str) -> str:
        while True:
            origin = self._shelf.origin(url)
            if origin is not None and origin.sha256 == checksum:
                return checksum  # just what is asked for: its server need not even run
            sha256 = await self._downloads.share(url, lambda: self._download(url))
            if self._shelf.has(sha256):  # else it went while this one waited for its turn
                return sha256

    async def _download(self, url: str) -> str:
        origin = self._shelf.origin(url)
        known = None if origin is None else origin.validators
        try:
            async with self._shelf.incoming(shown(url)) as (target, make_room):
                fetched = await fetch(url, target, known=known, make_room=make_room, limits=self._limits)
                if fetched is not None:
                    self._shelf.admit(target, fetched, url)
                    return fetched.sha256
        except OSError as error:
            raise cannot_write(shown(url), error) from error
        assert origin is not None
        return origin.sha256

    async def _check(self, file: LocalFile, url: str, checksum: str, compression: Compression | None) -> None:
        if checksum and file.sha256 != checksum.lower():
            raise InvalidFile(
                f"{shown(url)} has changed since it was recorded: its checksum is {file.sha256[:12]}…, "
                f"recorded was {checksum[:12]}…",
                hint="if the new file is the right one, run kaenv --update-image-checksum NAME",
            )
        if compression is None or self._memo.is_intact(file.sha256, compression):
            return
        wanted = compression
        await self._tests.share(f"{wanted} {file.sha256}", lambda: self._test(file, url, wanted))

    async def _test(self, file: LocalFile, url: str, compression: Compression) -> bool:
        await check_intact(file.path, compression, called=shown(url), deadline=self._test_deadline)
        self._memo.remember_intact(file.sha256, compression)
        await self._memo_file.save(self._memo.to_json)
        return True
