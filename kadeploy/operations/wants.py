"""The files that a request needs, as it is checked: each is judged at once, and fetched when its operation has begun.

Who asks hears in a moment of a file that is not theirs, or not there; nobody waits for an image to come. A server that
does not answer costs its seconds once, however many files are asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, TypeVar

from kadeploy.domain.awaited import WantedFile
from kadeploy.domain.checksum import is_sha256
from kadeploy.domain.image import LocalFile
from kadeploy.operations.gathering import gathered
from kadeploy.operations.keys import LARGEST
from kadeploy.ports.files import FileOrder, Files, Reader

_AT_ONCE: Final = 8

K = TypeVar("K")


class Wants:
    """Of the operation `owner`, for which is kept from now on what a user has sent."""

    def __init__(self, files: Files, owner: str) -> None:
        self._files = files
        self._owner = owner
        self._wanted: list[WantedFile] = []
        self._judging = asyncio.Semaphore(_AT_ONCE)

    @property
    def wanted(self) -> tuple[WantedFile, ...]:
        """In the order in which they were asked for, the same one once."""
        return tuple(self._wanted)

    async def file(self, order: FileOrder, *, keys: bool = False) -> LocalFile:
        """What stands for it in a plan until it is here. Raises what `Files.judge` does."""
        number = self._noted(_wanted(order, keys=keys))
        checksum = order.checksum if is_sha256(order.checksum) else ""
        async with self._judging:
            size = await self._files.judge(replace(order, checksum=checksum), owner=self._owner)
        self._wanted[number] = replace(self._wanted[number], size=size)
        return self._wanted[number].awaited

    async def files(self, orders: Mapping[K, FileOrder]) -> dict[K, LocalFile]:
        """All of them, judged side by side; raises what is wrong with any."""
        found = await gathered(*(self.file(order) for order in orders.values()))
        return dict(zip(orders, found, strict=True))

    async def keys(self, url: str, reader: Reader) -> str:
        """What stands for the text of a file of SSH keys."""
        return (await self.file(FileOrder(url=url, reader=reader, limit=LARGEST), keys=True)).sha256

    def _noted(self, asked: WantedFile) -> int:
        """Before anything is waited for, so that the numbers are in the order of asking."""
        for known in self._wanted:
            if replace(asked, number=known.number, size=known.size) == known:
                return known.number
        self._wanted.append(replace(asked, number=len(self._wanted)))
        return len(self._wanted) - 1


def _wanted(order: FileOrder, *, keys: bool) -> WantedFile:
    return WantedFile(
        number=0,
        url=order.url,
        users=order.reader.users,
        address=order.reader.address,
        checksum=order.checksum,
        compression=order.compression,
        copied=order.copied,
        trusted=order.trusted,
        limit=order.limit,
        keys=keys,
    )


def ordered(wanted: WantedFile) -> FileOrder:
    """What it was wanted by."""
    return FileOrder(
        url=wanted.url,
        reader=Reader(users=wanted.users, address=wanted.address),
        checksum=wanted.checksum,
        compression=wanted.compression,
        copied=wanted.copied,
        trusted=wanted.trusted,
        limit=wanted.limit,
    )
