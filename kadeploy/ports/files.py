"""Files: a local, checked path for any URL, kept while an operation uses it."""

from __future__ import annotations

from typing import Protocol

from kadeploy.domain.image import Compression, LocalFile


class Files(Protocol):
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
        """Fetch and check the file, and keep it until `owner` releases it.

        `checksum` is the SHA-256 it must have; with `compression` it must also decompress to its end. `copied` keeps
        a copy also of a file that is on this server: what nodes fetch by its SHA-256 must not change any more.
        `trusted` is for files that the configuration names: they may be anywhere on this server. Raises
        InvalidFile when it is missing, empty, truncated, not under a permitted directory, or not what was
        recorded; CacheFull when what is in use leaves no room for it.
        """
        ...

    async def release(self, owner: str) -> None:
        """Everything that `owner` pinned may go when room is needed; nothing happens for an unknown one."""
        ...
