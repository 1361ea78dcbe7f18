"""Files that nodes fetch by their SHA-256: kept as they were when they were pinned, for as long as they are."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from kadeploy.domain.image import LocalFile
from kadeploy.errors import CacheFull, InvalidFile
from kadeploy.files.cache import FileCache
from kadeploy.ports.files import FileOrder
from tests.integration.files.conftest import MIB, OpenCache
from tests.integration.files.web_server import WebServer, content


def bytes_of(file: LocalFile) -> bytes:
    return Path(file.path).read_bytes()


def test_a_copy_outlives_the_change_of_its_original(cache: FileCache, root: Path) -> None:
    script = root / "do.sh"
    script.write_bytes(b"first")
    first = hashlib.sha256(b"first").hexdigest()

    async def story() -> None:
        one, two = await asyncio.gather(
            cache.pin(FileOrder(url=f"server://{script}", copied=True), owner="D-1"),
            cache.pin(FileOrder(url=f"server://{script}", copied=True), owner="D-2"),
        )
        assert one == two
        assert one.sha256 == first
        script.write_bytes(b"second one")
        kept = cache.in_use(first)
        assert kept is not None
        assert kept.read_bytes() == b"first"
        later = await cache.pin(FileOrder(url=f"server://{script}", copied=True), owner="D-3")
        assert bytes_of(later) == b"second one"
        await cache.release("D-1")
        assert cache.in_use(first) is not None
        await cache.release("D-2")
        assert cache.in_use(first) is None

    asyncio.run(story())


def test_copies_are_still_there_after_a_restart(open_cache: OpenCache, root: Path) -> None:
    script = root / "do.sh"
    script.write_bytes(b"once")

    async def pin(cache: FileCache) -> str:
        return (await cache.pin(FileOrder(url=f"server://{script}", copied=True), owner="D-1")).sha256

    before = open_cache()
    sha256 = asyncio.run(pin(before))
    before.close()
    after = open_cache()
    kept = after.in_use(sha256)
    assert kept is not None
    assert kept.read_bytes() == b"once"
    assert asyncio.run(pin(after)) == sha256


def test_what_comes_from_the_web_is_in_use_too(cache: FileCache, web: WebServer) -> None:
    web.answers["/x"] = content(b"from the web", etag='"x"')

    async def story() -> None:
        file = await cache.pin(FileOrder(url=f"{web.url}/x", copied=True), owner="D-1")
        assert cache.in_use(file.sha256) == Path(file.path)

    asyncio.run(story())


@pytest.mark.parametrize("name", ["0" * 64, "../index.json", ""])
def test_nothing_else_can_be_had_by_a_name(cache: FileCache, name: str) -> None:
    assert cache.in_use(name) is None


def test_only_what_the_configuration_names_may_be_anywhere(cache: FileCache, tmp_path: Path) -> None:
    outside = tmp_path / "admin.sh"
    outside.write_bytes(b"admin")

    async def story() -> None:
        trusted = await cache.pin(FileOrder(url=f"server://{outside}", copied=True, trusted=True), owner="D-1")
        assert bytes_of(trusted) == b"admin"
        with pytest.raises(InvalidFile, match="not under a directory"):
            await cache.pin(FileOrder(url=f"server://{outside}", copied=True), owner="D-1")

    asyncio.run(story())


def test_copies_count_in_the_cache_size(open_cache: OpenCache, root: Path) -> None:
    cache = open_cache(size=2 * MIB)
    (root / "big").write_bytes(bytes(3 * MIB))

    async def story() -> None:
        with pytest.raises(CacheFull):
            await cache.pin(FileOrder(url=f"server://{root}/big", copied=True), owner="D-1")
        assert (await cache.pin(FileOrder(url=f"server://{root}/big"), owner="D-1")).size == 3 * MIB

    asyncio.run(story())
