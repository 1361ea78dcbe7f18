"""`Image`: the file that is put on the nodes, and how it is unpacked. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ImageKind(StrEnum):
    """`tar` is unpacked into a file system, `dd` written as it is, `fsa` is fsarchiver's."""

    TAR = "tar"
    DD = "dd"
    FSA = "fsa"


class Compression(StrEnum):
    NONE = "none"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZSTD = "zstd"
    LZ4 = "lz4"

    @property
    def decompressor(self) -> tuple[str, ...]:
        """The command that reads compressed bytes and writes plain ones; empty for `none`."""
        return {
            "none": (),
            "gzip": ("gzip", "-dc"),
            "bzip2": ("bzip2", "-dc"),
            "xz": ("xz", "-dc"),
            "zstd": ("zstd", "-dcq", "--long=31"),
            "lz4": ("lz4", "-dcq"),
        }[self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """`file` is a URL (server://, http://, https://); `checksum` what was recorded of it, as in `domain.checksum`."""

    file: str
    kind: ImageKind
    compression: Compression
    checksum: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFile:
    """A file on the server, fetched and checked: its path, size in bytes, and SHA-256 in hexadecimal."""

    path: str
    size: int
    sha256: str
