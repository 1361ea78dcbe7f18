"""What a world's deployments need of elsewhere: a real cache, bounded, over real files of the server and of a user.

To have a file takes a while before it is pinned and after, when the server may be killed; and now and then it cannot be
had. `reopen` is what a start of the server finds.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Collection
from dataclasses import replace
from pathlib import Path
from typing import Final

from kadeploy.domain.environment import Archive
from kadeploy.domain.image import Compression, Image, ImageKind, LocalFile
from kadeploy.domain.node import Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.request import DeployRequest
from kadeploy.errors import InvalidFile
from kadeploy.files.cache import FileCache
from kadeploy.files.permitted import Permitted
from kadeploy.operations.archives import want_archives
from kadeploy.operations.checksums import ArchiveLimits
from kadeploy.operations.fetching import Fetching
from kadeploy.operations.wants import Wants
from kadeploy.ports.files import FileOrder, Reader, ReportBytes, UploadRules, nobody
from kadeploy.testing.sites import environment_of, request_for

KIB: Final = 1024
ROOM: Final = 16 * KIB  # what the cache may hold: not everything at once
ARCHIVES: Final = 6
SENT: Final = b"what alice has sent" * 200
READER: Final = Reader(users=("alice",))


class Larder:
    """`ports.files.Files`, over the directory. `slow`: seconds at most before and after each pin; `bad`: the share of
    pins that fail; a `gate` is waited at. `asked` are the files that were to be pinned, in their order."""

    def __init__(self, directory: Path, *, seed: int = 1, slow: float = 0.0, bad: float = 0.0) -> None:
        self._directory = directory
        self._chance = random.Random(f"{seed} files")
        self._slow = slow
        self._bad = bad
        self._images = directory / "images"
        self._images.mkdir(parents=True, exist_ok=True)
        for number in range(ARCHIVES):
            (self._images / f"archive-{number}").write_bytes(bytes([number]) * (2 + number) * KIB)
        (self._images / "image").write_bytes(b"a small system")
        self.cache = self._opened()
        self.gate: asyncio.Event | None = None
        self.asked: list[str] = []

    @property
    def fetching(self) -> Fetching:
        return Fetching(self)

    def url(self, name: str) -> str:
        return f"server://{self._images / name}"

    async def pin(self, order: FileOrder, *, owner: str, report: ReportBytes = nobody) -> LocalFile:
        cache = self.cache
        self.asked.append(Path(order.url).name)
        if self.gate is not None:
            await self.gate.wait()
        await asyncio.sleep(self._chance.uniform(0, self._slow))
        if self._chance.random() < self._bad:
            raise InvalidFile(f"{order.url} cannot be fetched: its server does not answer")
        file = await cache.pin(order, owner=owner, report=report)
        await asyncio.sleep(self._chance.uniform(0, self._slow))
        return file

    async def judge(self, order: FileOrder, *, owner: str) -> int:
        return await self.cache.judge(order, owner=owner)

    async def release(self, owner: str) -> None:
        await self.cache.release(owner)

    async def stock(self) -> None:
        """Alice sends her image."""

        async def content() -> AsyncIterator[bytes]:
            yield SENT

        sha256 = hashlib.sha256(SENT).hexdigest()
        begun = await self.cache.uploads.begin("alice", size=len(SENT), sha256=sha256, name="mine")
        await self.cache.uploads.append("alice", begun.id, 0, content())

    async def reopen(self, running: Collection[str]) -> None:
        """As it was left, for the operations that go on."""
        self.cache.close()
        self.cache = self._opened()
        await self.cache.keep_only(running)

    async def request(self, owner: str, nodes: NodeSet, site: Site, *, archive: int, sent: bool) -> DeployRequest:
        """A deployment of an image with an archive of scripts, its files wanted as a launch wants them."""
        wants = Wants(self, owner)
        image = f"upload://{hashlib.sha256(SENT).hexdigest()}" if sent else self.url("image")
        scripts = Archive(archive=self.url(f"archive-{archive}"), compression=Compression.NONE)
        environment = environment_of(
            image=Image(file=image, kind=ImageKind.TAR, compression=Compression.NONE), postinstalls=(scripts,)
        )
        request = request_for(
            nodes,
            environment=environment,
            image=await wants.file(FileOrder(url=image, reader=READER, compression=Compression.NONE)),
        )
        files = await want_archives(request, site, wants=wants, reader=READER, limits=ArchiveLimits())
        return replace(request, files=files, wanted=wants.wanted)

    def left(self) -> list[str]:
        """Who still pins something, now and after a restart, and what lies about."""
        pins = [owner for owner in self.cache.owners() if not owner.startswith("upload ")]
        strays = [path.name for path in (self._directory / "cache" / "incoming").iterdir()]
        return [*(f"{owner} still pins files" for owner in pins), *(f"{name} is half fetched" for name in strays)]

    def _opened(self) -> FileCache:
        return FileCache.open(
            self._directory / "cache",
            size=ROOM,
            permitted=Permitted(roots=(self._images,)),
            uploads=UploadRules(quota=64 * KIB, expires=1e9),
        )
