"""What is told of a file before it is fetched: only what is sure, and in a moment."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from kadeploy.domain.image import Compression
from kadeploy.errors import CacheFull, InvalidFile, KadeployError
from kadeploy.files.cache import AT_ONCE, FileCache
from kadeploy.files.web import FetchLimits, Web
from kadeploy.ports.files import FileOrder, Reader
from tests.integration.files.conftest import OpenCache
from tests.integration.files.web_server import WebServer, content, status

MIB = 1024 * 1024


def judge(cache: FileCache, url: str, **how: object) -> int:
    return asyncio.run(cache.judge(FileOrder(url=url, **how), owner="D-1"))  # type: ignore[arg-type]


def test_a_small_file_of_the_server_is_checked_whole(cache: FileCache, root: Path) -> None:
    (root / "image").write_bytes(b"x" * 100)
    assert judge(cache, f"server://{root}/image") == 100
    assert not cache.owners()
    with pytest.raises(InvalidFile, match="has changed since it was recorded"):
        judge(cache, f"server://{root}/image", checksum="0" * 64)
    with pytest.raises(InvalidFile, match="is not an intact gzip file"):
        judge(cache, f"server://{root}/image", compression=Compression.GZIP)


def test_a_large_one_is_only_looked_at(cache: FileCache, root: Path) -> None:
    with (root / "image").open("wb") as file:
        file.truncate(AT_ONCE + 1)
    assert judge(cache, f"server://{root}/image", checksum="0" * 64, compression=Compression.GZIP) == AT_ONCE + 1
    with pytest.raises(InvalidFile, match="larger than 1000 bytes"):
        judge(cache, f"server://{root}/image", limit=1000)


@pytest.mark.parametrize("path", ["/etc/passwd", "{root}/nothing", "{root}"])
def test_what_may_not_be_had_of_the_server(cache: FileCache, root: Path, path: str) -> None:
    with pytest.raises(InvalidFile):
        judge(cache, f"server://{path.format(root=root)}")


def test_a_missing_one_of_the_web_is_told_and_a_large_one(web: WebServer, open_cache: OpenCache) -> None:
    cache = open_cache(size=MIB)
    asked: list[str] = []

    def sized(size: int) -> Callable[[BaseHTTPRequestHandler], None]:
        def answer(request: BaseHTTPRequestHandler) -> None:
            asked.append(request.command)
            request.send_response(200)
            request.send_header("Content-Length", str(size))
            request.end_headers()

        return answer

    web.heads |= {"/small": sized(10), "/large": sized(2 * MIB), "/gone": status(410), "/moved": status(302)}
    assert judge(cache, f"{web.url}/small") == 10
    with pytest.raises(InvalidFile, match="larger than 5 bytes"):
        judge(cache, f"{web.url}/small", limit=5)
    with pytest.raises(CacheFull, match="needs at least 3 MiB"):
        judge(cache, f"{web.url}/large")
    for name, told in (("gone", "410 Gone"), ("nothing", "404 Not Found")):
        with pytest.raises(InvalidFile, match=told):
            judge(cache, f"{web.url}/{name}")
    assert set(asked) == {"HEAD"}
    assert not cache.owners()


def test_a_server_without_head_and_one_that_does_not_answer_say_more_later(
    web: WebServer, open_cache: OpenCache
) -> None:
    cache = open_cache(limits=FetchLimits(glance=0.05))
    go = threading.Event()

    def slow(request: BaseHTTPRequestHandler) -> None:
        go.wait(30)

    web.heads |= {"/old": status(501), "/forbidden": status(403), "/slow": slow}
    try:
        for name in ("old", "forbidden", "slow"):
            assert judge(cache, f"{web.url}/{name}") == 0
    finally:
        go.set()


def test_where_nobody_listens(cache: FileCache) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(InvalidFile, match="cannot be fetched"):
        judge(cache, f"http://127.0.0.1:{port}/image")


def test_where_it_must_not_be_asked(web: WebServer, open_cache: OpenCache) -> None:
    cache = open_cache(web=Web(proxy=""))
    with pytest.raises(InvalidFile, match="an address that machines keep for themselves"):
        judge(cache, f"{web.url}/image", reader=Reader(users=("alice",), address="192.0.2.9"))


def test_what_is_here_with_that_checksum_is_not_asked_for(web: WebServer, cache: FileCache) -> None:
    web.answers["/image"] = content(b"body")
    file = asyncio.run(cache.pin(FileOrder(url=f"{web.url}/image"), owner="D-2"))
    web.stop()
    assert judge(cache, f"{web.url}/image", checksum=file.sha256) == 4


def test_two_that_wait_for_one_download_both_hear_how_far_it_is(web: WebServer, cache: FileCache) -> None:
    body = b"x" * (3 * MIB)
    web.answers["/image"] = content(body)
    told: dict[str, list[tuple[int, int]]] = {"D-1": [], "D-2": []}

    async def story() -> None:
        await asyncio.gather(
            *(
                cache.pin(
                    FileOrder(url=f"{web.url}/image"),
                    owner=owner,
                    report=lambda done, total, said=said: said.append((done, total)),  # type: ignore[misc]
                )
                for owner, said in told.items()
            )
        )

    asyncio.run(story())
    assert web.count("/image") == 1
    for said in told.values():
        assert said[-1] == (len(body), len(body))
        assert [done for done, _ in said] == sorted(done for done, _ in said)


def test_errors_are_the_products(cache: FileCache) -> None:
    with pytest.raises(KadeployError):
        judge(cache, "s3://bucket/image")
