"""Read a compressed file to its end in the decompressor's test mode: a truncated image is refused before any node
is touched. Every format here has a checksum or an end mark that a cut leaves missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kadeploy.domain.image import Compression
from kadeploy.errors import CacheProblem, InvalidFile
from kadeploy.process import run

_TESTS: Final[Mapping[Compression, tuple[str, ...]]] = {
    Compression.GZIP: ("gzip", "-tq"),
    Compression.BZIP2: ("bzip2", "-tq"),
    Compression.XZ: ("xz", "-tq"),
    Compression.ZSTD: ("zstd", "-tq", "--long=31"),
    Compression.LZ4: ("lz4", "-tq"),
}
_NOT_FOUND: Final = 127


async def check_intact(path: str, compression: Compression, *, called: str, deadline: float) -> None:
    """Within `deadline` seconds; raises InvalidFile, with the name the file is `called` by, when it is not whole."""
    if compression is Compression.NONE:
        return
    finished = await run([*_TESTS[compression], path], deadline=deadline)
    if finished.ok:
        return
    if finished.status == _NOT_FOUND:
        tool = finished.argv[0]
        raise CacheProblem(f"{called} could not be checked: {finished.reason}", hint=f"install {tool} on the server")
    if finished.timed_out:
        raise CacheProblem(f"{called} could not be checked within {deadline:.0f} s")
    raise InvalidFile(
        f"{called} is not an intact {compression.value} file: {finished.reason}",
        hint="it is truncated, damaged, or of another compression than its description says",
    )
