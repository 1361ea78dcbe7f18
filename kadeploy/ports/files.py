"""Files: a local, checked path for any URL, kept while an operation uses it."""

from __future__ import annotations

from typing import Protocol

from kadeploy.domain.image import LocalFile


class Files(Protocol):
    async def pin(self, url: str, *, owner: str, checksum: str = "") -> LocalFile:
        """Fetch and check the file, and keep it until `owner` releases it.

        Raises InvalidFile when it is missing, not under a configured root, or differs from `checksum`.
        """
        ...

    async def release(self, owner: str) -> None: ...
