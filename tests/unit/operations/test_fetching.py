"""The files of one request come side by side, a bounded number of them, and every fault is told."""

from __future__ import annotations

import asyncio

import pytest

from kadeploy.domain.awaited import WantedFile
from kadeploy.domain.environment import Archive
from kadeploy.domain.image import Compression, Image, ImageKind, LocalFile
from kadeploy.errors import InvalidFile
from kadeploy.operations.caller import Caller
from kadeploy.operations.checksums import AT_ONCE, EVERYTHING, ArchiveLimits, Checksums
from kadeploy.operations.client_files import SERVED_BY_NOBODY
from kadeploy.operations.fetching import Fetching
from kadeploy.ports.files import FileOrder, ReportBytes, nobody
from kadeploy.testing.sites import environment_of

SIZE = 100


class Web:
    """A file comes when `least` are coming at once, its half before. URLs with `bad` in them are not to be had."""

    def __init__(self, least: int) -> None:
        self._least = asyncio.Barrier(least)
        self.two_come = asyncio.Event()
        self.coming: list[str] = []
        self.most = 0
        self.released = ""

    async def pin(self, order: FileOrder, *, owner: str, report: ReportBytes = nobody) -> LocalFile:
        self.coming.append(order.url)
        try:
            self.most = max(self.most, len(self.coming))
            if self.most == 2:
                self.two_come.set()
            report(SIZE // 2, SIZE)
            await self._least.wait()
            if "bad" in order.url:
                raise InvalidFile(f"{order.url} is not there")
            return LocalFile(path=order.url, size=SIZE, sha256="a" * 64)
        finally:
            self.coming.remove(order.url)

    async def judge(self, order: FileOrder, *, owner: str) -> int:
        raise NotImplementedError

    async def release(self, owner: str) -> None:
        self.released = owner


def wanted(*urls: str) -> tuple[WantedFile, ...]:
    return tuple(WantedFile(number=number, url=url) for number, url in enumerate(urls))


def test_a_few_come_at_once_and_no_more() -> None:
    async def story() -> None:
        web, told = Web(AT_ONCE), list[tuple[int, int]]()
        files = wanted(*(f"http://web/{number}" for number in range(3 * AT_ONCE)))
        found = await Fetching(web).fetch("D-1", files, lambda *bytes_: told.append(bytes_))
        assert web.most == AT_ONCE
        assert {number: one.file.path for number, one in found.items()} == {one.number: one.url for one in files}
        assert [done for done, _ in told] == sorted(done for done, _ in told), "nothing that is here goes away"
        assert told[AT_ONCE - 1] == (AT_ONCE * SIZE // 2, AT_ONCE * SIZE), "halves of all that come are counted"
        assert told[-1] == (len(files) * SIZE, len(files) * SIZE)

    asyncio.run(story())


def test_every_file_that_does_not_come_is_told() -> None:
    async def story() -> None:
        with pytest.raises(InvalidFile) as caught:
            await Fetching(Web(3)).fetch("D-1", wanted("http://web/bad-1", "http://web/x", "http://web/bad-2"), nobody)
        assert str(caught.value).splitlines() == [
            "the request has 2 faults:",
            "  http://web/bad-1 is not there",
            "  http://web/bad-2 is not there",
        ]

    asyncio.run(story())


def test_who_is_stopped_leaves_nothing_coming() -> None:
    async def story() -> None:
        web = Web(AT_ONCE)
        fetching = asyncio.create_task(Fetching(web).fetch("D-1", wanted("http://web/1", "http://web/2"), nobody))
        await web.two_come.wait()
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching
        assert not web.coming

    asyncio.run(story())


def test_the_files_of_what_is_recorded_come_side_by_side_as_well() -> None:
    async def story() -> None:
        web = Web(3)
        image = Image(file="http://web/image", kind=ImageKind.TAR, compression=Compression.GZIP)
        archives = [Archive(archive=f"http://web/{name}", compression=Compression.GZIP) for name in ("1", "2")]
        environment = environment_of(image=image, preinstall=archives[0], postinstalls=(archives[1],))
        checksums = Checksums(web, ArchiveLimits())
        known = await checksums.record(Caller(name="alice"), environment, SERVED_BY_NOBODY, EVERYTHING)
        assert web.most == 3
        assert known.preinstall is not None
        assert {known.image.checksum, known.preinstall.checksum, known.postinstalls[0].checksum} == {"a" * 64}
        assert web.released

    asyncio.run(story())
