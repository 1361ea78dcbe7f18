"""`preinstall` and `postinstall` of a cluster's file: the administrators' archives, for every environment."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from kadeploy.config.decode import Section
from kadeploy.config.environment import OneLine
from kadeploy.config.values import AbsolutePath
from kadeploy.domain.environment import Archive
from kadeploy.domain.image import Compression

_FORMATS: Final = {
    "tgz": Compression.GZIP,
    "tbz2": Compression.BZIP2,
    "txz": Compression.XZ,
    "tzst": Compression.ZSTD,
}


class ArchiveFile(Section):
    """`script` is a path in the archive with its arguments; `none` only unpacks it."""

    file: AbsolutePath
    format: Literal["tgz", "tbz2", "txz", "tzst"]
    script: Annotated[OneLine, Field(min_length=1)] = "none"

    def archive(self) -> Archive:
        return Archive(archive=f"server://{self.file}", compression=_FORMATS[self.format], script=self.script)


class Archives(Section):
    files: tuple[ArchiveFile, ...] = ()

    def archives(self) -> tuple[Archive, ...]:
        return tuple(one.archive() for one in self.files)
