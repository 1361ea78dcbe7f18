"""Files: a local, checked path for any URL, kept while an operation uses it; texts of the server; and files that people
send."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from kadeploy.domain.image import Compression, LocalFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """For whom a file is read: `users` are those whose rights to files of the server, and whose uploads, count;
    `address` is where the request came from."""

    users: tuple[str, ...] = ()
    address: str = ""


ANYBODY: Final = Reader()

ReportBytes = Callable[[int, int], None]
"""(bytes that have come, bytes in all; 0 when not known)."""


def nobody(_done: int, _total: int) -> None:
    """Reports to nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOrder:
    """Which file is wanted, for whom, and what must be true of it.

    `url` is server://, http://, https://, s3://, upload://SHA256, or client+http:// for a file server that runs where
    the request came from. `checksum` is the SHA-256 it must have; with `compression` it must also decompress to its
    end. `copied` keeps a copy also of a file that is on this server: what nodes fetch by its SHA-256 must not change
    any more. `trusted` is for files that the configuration names: they may be anywhere. It may have `limit` bytes at
    most.
    """

    url: str
    reader: Reader = ANYBODY
    checksum: str = ""
    compression: Compression | None = None
    copied: bool = False
    trusted: bool = False
    limit: int | None = None


class Files(Protocol):
    async def pin(self, order: FileOrder, *, owner: str, report: ReportBytes = nobody) -> LocalFile:
        """Fetch and check the file, and keep it until `owner` releases it.

        Raises InvalidFile when it is missing, empty, truncated, too large, not the reader's to read, or not what was
        recorded; CacheFull when what is in use leaves no room for it.
        """
        ...

    async def judge(self, order: FileOrder, *, owner: str) -> int:
        """Raise at once what `pin` would raise, as far as that can be told in a moment and without the bytes of a file
        that is elsewhere; what a user has sent is kept for `owner` from now on. The file's size, 0 when not known.
        """
        ...

    async def release(self, owner: str) -> None:
        """Everything that `owner` pinned may go when room is needed; nothing happens for an unknown one."""
        ...


class Texts(Protocol):
    async def read(self, order: FileOrder) -> bytes:
        """The content of a small file of this server, which is not kept.

        Raises InvalidFile as `Files.pin` does, and for what is not server://.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that a user sends, or has sent: `received` of `size` bytes, kept until `expires` (since the epoch).

    `kept_for` names what has it kept for longer.
    """

    id: str
    user: str
    name: str
    size: int
    sha256: str
    received: int
    expires: float
    kept_for: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        return self.received == self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRules:
    """`quota` in bytes a user, `expires` in seconds after the last use; may recorded environments have them kept?"""

    quota: int
    expires: float
    for_environments: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """That something has a user's upload kept."""

    user: str
    sha256: str
    kept_for: str


class Uploads(Protocol):
    @property
    def rules(self) -> UploadRules: ...

    async def begin(self, user: str, *, size: int, sha256: str, name: str) -> Upload:
        """The room for it is set aside; one of the same content that the user began before is gone on with.

        Raises InvalidOption, Forbidden over the quota, CacheFull.
        """
        ...

    async def append(self, user: str, upload_id: str, offset: int, content: AsyncIterator[bytes]) -> Upload:
        """What came is kept also when the content breaks off, which is raised on. At the end it is checked.

        Raises NotFound; Conflict when it does not go on at `offset` or somebody else is sending it; InvalidFile when it
        is more than announced, or not what was announced (then it is forgotten); CacheFull when the disk is full.
        """
        ...

    async def listed(self, user: str) -> Sequence[Upload]: ...

    async def abandon(self, user: str, upload_id: str) -> None:
        """Raises NotFound, and Conflict for one that is kept for something."""
        ...

    async def keep(self, wanted: Collection[Keep]) -> None:
        """Exactly these do not expire."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One content of the cache: bytes, when it was last wanted (since the epoch), where from, and who uses it."""

    sha256: str
    size: int
    used: float
    origins: tuple[str, ...]
    users: tuple[str, ...]


class Contents(Protocol):
    """What administrators see of the cache, and do to it."""

    @property
    def limit(self) -> int:
        """Bytes it may have."""
        ...

    @property
    def half(self) -> int:
        """Bytes of files that have come half, kept for who asks for them next."""
        ...

    def kept(self) -> Sequence[Kept]:
        """The most recently used first."""
        ...

    async def clean(self, sha256: Sequence[str] | None = None) -> Sequence[Kept]:
        """Remove what nobody uses and what has come half, or these contents; says which. Raises NotFound, and Conflict
        for one in use."""
        ...
