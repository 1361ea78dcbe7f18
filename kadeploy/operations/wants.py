"""The files that a request needs, as it is checked: each is judged at once, and fetched when its operation has begun.

Who asks hears in a moment of a file that is not theirs, or not there; nobody waits for an image to come.
"""

from __future__ import annotations

from dataclasses import replace

from kadeploy.domain.awaited import WantedFile
from kadeploy.domain.checksum import is_sha256
from kadeploy.domain.image import Compression, LocalFile
from kadeploy.operations.keys import LARGEST
from kadeploy.ports.files import Files, Reader


class Wants:
    """Of the operation `owner`, for which is kept from now on what a user has sent."""

    def __init__(self, files: Files, owner: str) -> None:
        self._files = files
        self._owner = owner
        self._wanted: list[WantedFile] = []

    @property
    def wanted(self) -> tuple[WantedFile, ...]:
        """In the order in which they were asked for, the same one once."""
        return tuple(self._wanted)

    async def file(
        self,
        url: str,
        reader: Reader,
        *,
        checksum: str = "",
        compression: Compression | None = None,
        copied: bool = False,
        trusted: bool = False,
        limit: int | None = None,
        keys: bool = False,
    ) -> LocalFile:
        """What stands for it in a plan until it is here. Raises what `Files.judge` does."""
        size = await self._files.judge(
            url,
            owner=self._owner,
            reader=reader,
            checksum=checksum if is_sha256(checksum) else "",
            compression=compression,
            trusted=trusted,
            limit=limit,
        )
        asked = WantedFile(
            number=len(self._wanted),
            url=url,
            users=reader.users,
            address=reader.address,
            checksum=checksum,
            compression=compression,
            copied=copied,
            trusted=trusted,
            limit=limit,
            size=size,
            keys=keys,
        )
        for known in self._wanted:
            if replace(asked, number=known.number, size=known.size) == known:
                return known.awaited
        self._wanted.append(asked)
        return asked.awaited

    async def keys(self, url: str, reader: Reader) -> str:
        """What stands for the text of a file of SSH keys."""
        return (await self.file(url, reader, limit=LARGEST, keys=True)).sha256
