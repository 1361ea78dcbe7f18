"""Files as somebody may have them: every file that a request names is read for its caller."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.environment import Environment
from kadeploy.domain.image import Compression, LocalFile
from kadeploy.operations.caller import Caller
from kadeploy.ports.files import ANYBODY, Files, Reader


@dataclass(frozen=True, slots=True)
class ReadFor:
    """`ports.files.Files` for one reader."""

    files: Files
    reader: Reader

    async def pin(
        self,
        url: str,
        *,
        owner: str,
        reader: Reader = ANYBODY,
        checksum: str = "",
        compression: Compression | None = None,
        copied: bool = False,
        trusted: bool = False,
        limit: int | None = None,
    ) -> LocalFile:
        return await self.files.pin(
            url,
            owner=owner,
            reader=self.reader,
            checksum=checksum,
            compression=compression,
            copied=copied,
            trusted=trusted,
            limit=limit,
        )

    async def release(self, owner: str) -> None:
        await self.files.release(owner)


def reader_of(caller: Caller, environment: Environment | None = None) -> Reader:
    """Who lends somebody an environment lends its files: of a recorded one its owner's rights count, too."""
    owners = (environment.user,) if environment is not None and environment.recorded else ()
    return Reader(users=tuple(dict.fromkeys((caller.name, *owners))), address=caller.address)
