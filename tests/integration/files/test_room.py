"""The cache's size, what goes and what stays, and what it remembers."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from kadeploy.domain.image import LocalFile
from kadeploy.errors import CacheFull, CacheProblem
from kadeploy.files.cache import FileCache
from kadeploy.files.permitted import Permitted
from kadeploy.ports.files import FileOrder
from tests.integration.files.conftest import MIB, OpenCache
from tests.integration.files.web_server import Answer, WebServer, chunked, content

Pack = Callable[[bytes], Answer]
Damage = Callable[[Path], object]


def serve(web: WebServer, **sizes: int) -> None:
    for name, mib in sizes.items():
        web.answers[f"/{name}"] = content(random.Random(name).randbytes(mib * MIB), etag=f'"{name}"')


def still_here(files: Mapping[str, LocalFile]) -> list[str]:
    return [
        name for name, file in files.items() if os.path.isfile(file.path) and os.path.getsize(file.path) == file.size
    ]


def held(tmp_path: Path) -> int:
    return sum(path.stat().st_size for path in (tmp_path / "cache" / "contents").iterdir()) // MIB


def test_what_was_used_longest_ago_goes_first_and_what_is_in_use_stays(
    open_cache: OpenCache, web: WebServer, tmp_path: Path
) -> None:
    cache = open_cache(size=10 * MIB)
    serve(web, a=3, b=3, c=3, d=3, e=6)

    async def story() -> None:
        files = {}
        for name in "abc":
            files[name] = await cache.pin(FileOrder(url=f"{web.url}/{name}"), owner=f"D-{name}")
        await cache.release("D-a")
        await cache.release("D-b")
        await cache.pin(FileOrder(url=f"{web.url}/a"), owner="D-again")
        await cache.release("D-again")
        files["d"] = await cache.pin(FileOrder(url=f"{web.url}/d"), owner="D-d")
        assert still_here(files) == ["a", "c", "d"]
        with pytest.raises(CacheFull, match="needs at least 7 MiB of the file cache, which has 10 MiB, mostly in use"):
            await cache.pin(FileOrder(url=f"{web.url}/e"), owner="D-e")
        assert still_here(files) == ["a", "c", "d"]
        await cache.release("D-c")
        files["e"] = await cache.pin(FileOrder(url=f"{web.url}/e"), owner="D-e")
        assert still_here(files) == ["d", "e"]

    asyncio.run(story())
    assert held(tmp_path) == 9


@pytest.mark.parametrize("answer", [content, chunked])
def test_a_file_that_never_fits_is_refused(open_cache: OpenCache, web: WebServer, tmp_path: Path, answer: Pack) -> None:
    cache = open_cache(size=4 * MIB)
    serve(web, small=3)
    web.answers["/big"] = answer(random.Random(9).randbytes(9 * MIB))

    async def story() -> None:
        await cache.pin(FileOrder(url=f"{web.url}/small"), owner="D-1")
        await cache.release("D-1")
        with pytest.raises(
            CacheFull, match=r"/big needs at least \d+ MiB of the file cache, which has 4 MiB \(the adm"
        ):
            await cache.pin(FileOrder(url=f"{web.url}/big"), owner="D-2")

    asyncio.run(story())
    assert list((tmp_path / "cache" / "incoming").iterdir()) == []


def test_downloads_at_the_same_time_do_not_fill_it_together(
    open_cache: OpenCache, web: WebServer, tmp_path: Path
) -> None:
    cache = open_cache(size=10 * MIB)
    serve(web, a=4, b=4, c=4, d=4)

    async def story() -> list[object]:
        pins = (cache.pin(FileOrder(url=f"{web.url}/{name}"), owner=f"D-{name}") for name in "abcd")
        return await asyncio.gather(*pins, return_exceptions=True)

    answers = asyncio.run(story())
    assert sum(isinstance(answer, CacheFull) for answer in answers) == 2
    assert held(tmp_path) == 8


def test_a_restart_keeps_the_files_and_who_uses_them(open_cache: OpenCache, web: WebServer) -> None:
    serve(web, a=3, b=3, c=3)
    cache = open_cache(size=8 * MIB)
    first = asyncio.run(cache.pin(FileOrder(url=f"{web.url}/a"), owner="D-a"))
    asyncio.run(cache.pin(FileOrder(url=f"{web.url}/b"), owner="D-b"))
    asyncio.run(cache.release("D-b"))
    cache.close()

    again = open_cache(size=8 * MIB)
    asyncio.run(again.pin(FileOrder(url=f"{web.url}/c"), owner="D-c"))
    assert Path(first.path).exists()
    assert asyncio.run(again.pin(FileOrder(url=f"{web.url}/a"), owner="D-2")) == first
    again.close()

    third = open_cache(size=8 * MIB)
    asyncio.run(third.keep_only(["D-c"]))
    asyncio.run(third.pin(FileOrder(url=f"{web.url}/b"), owner="D-3"))
    assert not Path(first.path).exists()


def test_an_owner_may_pin_twice_and_release_what_it_never_had(cache: FileCache, web: WebServer) -> None:
    serve(web, a=1)

    async def story() -> None:
        await cache.release("D-1")
        assert await cache.pin(FileOrder(url=f"{web.url}/a"), owner="D-1") == await cache.pin(
            FileOrder(url=f"{web.url}/a"), owner="D-1"
        )
        await cache.release("D-1")
        await cache.release("D-1")

    asyncio.run(story())


def test_the_same_bytes_from_two_places_are_kept_once(cache: FileCache, web: WebServer, tmp_path: Path) -> None:
    web.answers["/a"] = web.answers["/b"] = content(random.Random(2).randbytes(2 * MIB))

    async def story() -> None:
        pins = (cache.pin(FileOrder(url=f"{web.url}/{name}"), owner=f"D-{name}") for name in "ab")
        first, second = await asyncio.gather(*pins)
        assert first == second

    asyncio.run(story())
    assert held(tmp_path) == 2


def test_two_servers_do_not_share_a_cache(open_cache: OpenCache, tmp_path: Path) -> None:
    open_cache()
    with pytest.raises(CacheProblem, match=r"the cache .* is in use by another server"):
        open_cache()


def test_a_cache_that_cannot_be_made_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CacheProblem, match="cannot be used: Not a directory"):
        FileCache.open(tmp_path / "file" / "cache", size=MIB, permitted=Permitted(roots=()))


@pytest.mark.parametrize("index", [b"", b"{", b"[]", b'{"contents": 3, "pins": {"a": 1}, "origins": {"u": []}}'])
def test_an_index_that_is_lost_costs_no_file(
    open_cache: OpenCache, web: WebServer, tmp_path: Path, index: bytes
) -> None:
    serve(web, a=2)
    cache = open_cache()
    first = asyncio.run(cache.pin(FileOrder(url=f"{web.url}/a"), owner="D-1"))
    cache.close()
    (tmp_path / "cache" / "index.json").write_bytes(index)
    (tmp_path / "cache" / "incoming" / "half").write_bytes(b"x")

    again = open_cache()
    assert list((tmp_path / "cache" / "incoming").iterdir()) == []
    assert Path(first.path).exists()
    assert asyncio.run(again.pin(FileOrder(url=f"{web.url}/a"), owner="D-2")) == first


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"short")])
def test_a_file_that_somebody_removed_or_cut_is_fetched_again(cache: FileCache, web: WebServer, damage: Damage) -> None:
    serve(web, a=2)

    async def story() -> None:
        first = await cache.pin(FileOrder(url=f"{web.url}/a"), owner="D-1")
        damage(Path(first.path))
        again = await cache.pin(FileOrder(url=f"{web.url}/a", checksum=first.sha256), owner="D-2")
        assert again == first
        assert still_here({"a": again}) == ["a"]

    asyncio.run(story())


def test_others_on_the_machine_cannot_read_it(cache: FileCache, web: WebServer, tmp_path: Path) -> None:
    serve(web, a=1)
    asyncio.run(cache.pin(FileOrder(url=f"{web.url}/a"), owner="D-1"))
    assert (tmp_path / "cache").stat().st_mode & 0o077 == 0
