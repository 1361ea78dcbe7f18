"""What is recorded of an environment's files so that a changed one is noticed: their SHA-256.

Records of Kadeploy3 carry an MD5, which is compared here, or an ETag, with which nothing can be compared.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from kadeploy.domain.checksum import is_sha256, md5_of
from kadeploy.domain.environment import Archive, Environment
from kadeploy.domain.image import LocalFile
from kadeploy.errors import InvalidFile
from kadeploy.operations.caller import Caller
from kadeploy.operations.client_files import ClientFiles
from kadeploy.operations.gathering import gathered
from kadeploy.operations.reader import reader_of
from kadeploy.ports.files import FileOrder, Files, Reader, ReportBytes, nobody


class Content(StrEnum):
    """Which files of an environment, by their keys in its description."""

    IMAGE = "image"
    PREINSTALL = "preinstall"
    POSTINSTALLS = "postinstalls"


EVERYTHING: Final = frozenset(Content)
AT_ONCE: Final = 4  # files of one request that are fetched side by side: others want theirs as well
_Place = tuple[Content, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveLimits:
    """The most bytes that a user's archive of scripts may have; 0 for no limit."""

    preinstall: int = 0
    postinstall: int = 0

    def of(self, content: Content) -> int | None:
        """None for no limit."""
        return {Content.PREINSTALL: self.preinstall, Content.POSTINSTALLS: self.postinstall}.get(content) or None


async def pin_recorded(files: Files, order: FileOrder, *, owner: str, report: ReportBytes = nobody) -> LocalFile:
    """As `Files.pin`, for any checksum that an environment may carry. Raises as it does."""
    comparable = order.checksum if is_sha256(order.checksum) else ""
    file = await files.pin(replace(order, checksum=comparable), owner=owner, report=report)
    wanted = md5_of(order.checksum)
    if wanted and await asyncio.to_thread(_md5, Path(file.path)) != wanted:
        raise InvalidFile(
            f"{order.url} has changed since it was recorded: its MD5 is not {wanted}",
            hint="if the new file is the right one, run kaenv --update-image-checksum NAME, or the archives' one",
        )
    return file


class Checksums:
    """Fetches and checks the files, and notes their SHA-256."""

    def __init__(self, files: Files, limits: ArchiveLimits) -> None:
        self._files = files
        self.limits = limits

    async def record(
        self, caller: Caller, environment: Environment, client: ClientFiles, contents: Collection[Content]
    ) -> Environment:
        """The same with the SHA-256 of these files as they are now; raises what is wrong with any of them.

        A checksum that the environment has already must be that of the file.
        """
        orders = self._orders(client.environment(environment), reader_of(caller, environment), contents)
        owner, turns = f"record-{uuid.uuid4()}", asyncio.Semaphore(AT_ONCE)

        async def sha256_of(order: FileOrder) -> str:
            async with turns:
                return (await pin_recorded(self._files, order, owner=owner)).sha256

        try:
            found = await gathered(*(sha256_of(order) for order in orders.values()))
        finally:
            await self._files.release(owner)
        return _noted(environment, dict(zip(orders, found, strict=True)))

    def _orders(
        self, environment: Environment, reader: Reader, contents: Collection[Content]
    ) -> Mapping[_Place, FileOrder]:
        """Each file with its place among those of its content."""
        image, before = environment.image, environment.preinstall
        orders: dict[_Place, FileOrder] = {}
        if Content.IMAGE in contents:
            orders[Content.IMAGE, 0] = FileOrder(
                url=image.file, reader=reader, checksum=image.checksum, compression=image.compression
            )
        if Content.PREINSTALL in contents and before is not None:
            orders[Content.PREINSTALL, 0] = self._order(before, reader, Content.PREINSTALL)
        if Content.POSTINSTALLS in contents:
            for number, archive in enumerate(environment.postinstalls):
                orders[Content.POSTINSTALLS, number] = self._order(archive, reader, Content.POSTINSTALLS)
        return orders

    def _order(self, archive: Archive, reader: Reader, content: Content) -> FileOrder:
        return FileOrder(
            url=archive.archive,
            reader=reader,
            checksum=archive.checksum,
            compression=archive.compression,
            copied=True,
            limit=self.limits.of(content),
        )


def forgotten(environment: Environment, contents: Collection[Content]) -> Environment:
    """Without the checksums of these files."""
    numbers = range(max(1, len(environment.postinstalls)))
    return _noted(environment, {(content, number): "" for content in contents for number in numbers})


def _noted(environment: Environment, checksums: Mapping[_Place, str]) -> Environment:
    """With these checksums instead of those that it has."""
    image, before = environment.image, environment.preinstall
    return replace(
        environment,
        image=replace(image, checksum=checksums.get((Content.IMAGE, 0), image.checksum)),
        preinstall=before and replace(before, checksum=checksums.get((Content.PREINSTALL, 0), before.checksum)),
        postinstalls=tuple(
            replace(one, checksum=checksums.get((Content.POSTINSTALLS, number), one.checksum))
            for number, one in enumerate(environment.postinstalls)
        ),
    )


def kept(before: Environment, after: Environment) -> Environment:
    """`after` with the checksums of `before`: the files are the same, only elsewhere."""
    preinstall = after.preinstall
    if preinstall is not None and before.preinstall is not None:
        preinstall = replace(preinstall, checksum=before.preinstall.checksum)
    return replace(
        after,
        image=replace(after.image, checksum=before.image.checksum),
        preinstall=preinstall,
        postinstalls=tuple(
            replace(new, checksum=old.checksum)
            for old, new in zip(before.postinstalls, after.postinstalls, strict=True)
        ),
    )


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
