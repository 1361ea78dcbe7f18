"""A server without uploads, files of its own and a cache to look into: what stands in for them in tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence

from kadeploy.errors import Forbidden, InvalidFile, NotFound
from kadeploy.ports.files import FileOrder, Keep, Kept, Upload, UploadRules


class NoUploads:
    """`ports.files.Uploads`."""

    @property
    def rules(self) -> UploadRules:
        return UploadRules(quota=0, expires=0.0)

    async def begin(self, user: str, *, size: int, sha256: str, name: str) -> Upload:
        raise Forbidden("this server takes no uploads")

    async def append(self, user: str, upload_id: str, offset: int, content: AsyncIterator[bytes]) -> Upload:
        raise NotFound(f"there is no upload {upload_id} of {user}")

    async def listed(self, user: str) -> Sequence[Upload]:
        return ()

    async def abandon(self, user: str, upload_id: str) -> None:
        raise NotFound(f"there is no upload {upload_id} of {user}")

    async def keep(self, wanted: Collection[Keep]) -> None: ...


class NoTexts:
    """`ports.files.Texts`."""

    async def read(self, order: FileOrder) -> bytes:
        raise InvalidFile("this server reads no files of its own")


class NoContents:
    """`ports.files.Contents`."""

    @property
    def limit(self) -> int:
        return 0

    @property
    def half(self) -> int:
        return 0

    def kept(self) -> Sequence[Kept]:
        return ()

    async def clean(self, sha256: Sequence[str] | None = None) -> Sequence[Kept]:
        return ()
