"""A truncated image is found out before anything starts, by the decompressor itself."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import pytest

from kadeploy.domain.image import Compression
from kadeploy.errors import CacheProblem, InvalidFile
from kadeploy.files.cache import FileCache
from kadeploy.files.intact import check_intact
from kadeploy.ports.files import FileOrder
from tests.integration.files.conftest import OpenCache
from tests.integration.files.web_server import WebServer, content

PACKERS = {
    Compression.GZIP: ["gzip", "-c"],
    Compression.BZIP2: ["bzip2", "-c"],
    Compression.XZ: ["xz", "-0", "-c"],
    Compression.ZSTD: ["zstd", "-qc"],
    Compression.LZ4: ["lz4", "-qc"],
}
BODY = bytes(range(256)) * 4096 + b"the end"


def packed(compression: Compression) -> bytes:
    return subprocess.run(PACKERS[compression], input=BODY, stdout=subprocess.PIPE, check=True).stdout


@pytest.mark.parametrize("compression", list(PACKERS))
def test_each_compression(cache: FileCache, root: Path, compression: Compression) -> None:
    whole = packed(compression)
    (root / "whole").write_bytes(whole)
    (root / "one-byte-short").write_bytes(whole[:-1])
    (root / "half").write_bytes(whole[: len(whole) // 2])
    (root / "damaged").write_bytes(whole[:-20] + bytes(byte ^ 0xFF for byte in whole[-20:]))
    (root / "text").write_bytes(BODY)

    async def story() -> None:
        await cache.pin(FileOrder(url=f"server://{root}/whole", compression=compression), owner="D-1")
        for name in ("one-byte-short", "half", "damaged", "text"):
            with pytest.raises(InvalidFile, match=f"/{name} is not an intact {compression.value} file: .* exited with"):
                await cache.pin(FileOrder(url=f"server://{root}/{name}", compression=compression), owner="D-1")

    asyncio.run(story())


def test_what_is_not_compressed_is_not_tested(cache: FileCache, root: Path) -> None:
    (root / "image").write_bytes(BODY)
    asyncio.run(cache.pin(FileOrder(url=f"server://{root}/image", compression=Compression.NONE), owner="D-1"))


def test_a_truncated_file_from_the_web_is_refused_and_not_pinned(
    open_cache: OpenCache, web: WebServer, tmp_path: Path
) -> None:
    whole = packed(Compression.ZSTD)
    web.answers["/image"] = content(whole[:-5])
    cache = open_cache(size=len(whole))
    with pytest.raises(InvalidFile, match=rf"^{web.url}/image is not an intact zstd file"):
        asyncio.run(cache.pin(FileOrder(url=f"{web.url}/image", compression=Compression.ZSTD), owner="D-1"))
    web.answers["/image"] = content(whole)
    file = asyncio.run(cache.pin(FileOrder(url=f"{web.url}/image", compression=Compression.ZSTD), owner="D-1"))
    assert [path.name for path in (tmp_path / "cache" / "contents").iterdir()] == [file.sha256]


def test_it_is_tested_once_also_across_restarts(
    open_cache: OpenCache, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "image").write_bytes(packed(Compression.GZIP))
    url = f"server://{root}/image"
    cache = open_cache()
    asyncio.run(cache.pin(FileOrder(url=url, compression=Compression.GZIP), owner="D-1"))
    cache.close()
    monkeypatch.setenv("PATH", str(tmp_path))  # no decompressor is found any more
    again = open_cache()
    asyncio.run(again.pin(FileOrder(url=url, compression=Compression.GZIP), owner="D-2"))
    with pytest.raises(CacheProblem, match=r"could not be checked: zstd was not found: .* \(install zstd"):
        asyncio.run(again.pin(FileOrder(url=url, compression=Compression.ZSTD), owner="D-2"))


def test_a_test_that_takes_too_long_is_given_up(root: Path) -> None:
    # A file that never ends stands for an image that is too big for the deadline.
    with pytest.raises(CacheProblem, match="the image could not be checked within"):
        asyncio.run(_test_an_endless_file(root))


async def _test_an_endless_file(root: Path) -> None:
    os.mkfifo(root / "pipe")
    await check_intact(str(root / "pipe"), Compression.ZSTD, called="the image", deadline=0.2)
