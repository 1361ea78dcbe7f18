"""Files from the web: whole, once, unchanged, or one clear sentence."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from kadeploy.errors import InvalidFile
from kadeploy.files.cache import FileCache
from kadeploy.files.web import FetchLimits
from kadeploy.ports.files import FileOrder
from tests.integration.files.conftest import HASTY, OpenCache
from tests.integration.files.web_server import LONG_AGO, Answer, WebServer, chunked, content, status

BODY = bytes(range(256)) * 20_000  # 5 MB


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def left_behind(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "cache" / "incoming").iterdir())


@pytest.mark.parametrize("answer", [content(BODY), chunked(BODY)])
def test_a_file_is_fetched_whole_under_its_checksum(
    cache: FileCache, web: WebServer, answer: Answer, tmp_path: Path
) -> None:
    web.answers["/image"] = answer
    file = asyncio.run(cache.pin(FileOrder(url=f"{web.url}/image", checksum=sha256(BODY).upper()), owner="D-1"))
    assert (file.size, file.sha256) == (len(BODY), sha256(BODY))
    assert Path(file.path).read_bytes() == BODY
    assert left_behind(tmp_path) == []


def test_what_is_recorded_and_here_needs_no_web_server(open_cache: OpenCache, web: WebServer) -> None:
    web.answers["/image"] = content(BODY)
    url = f"{web.url}/image"
    cache = open_cache()
    first = asyncio.run(cache.pin(FileOrder(url=url), owner="D-1"))
    cache.close()
    web.answers.clear()
    again = open_cache()
    assert asyncio.run(again.pin(FileOrder(url=url, checksum=sha256(BODY)), owner="D-2")) == first
    assert web.count("/image") == 1


@pytest.mark.parametrize(("etag", "modified"), [('"v1"', ""), ("", LONG_AGO)])
def test_what_is_not_recorded_is_asked_for_and_not_sent_again(
    cache: FileCache, web: WebServer, etag: str, modified: str
) -> None:
    web.answers["/image"] = content(BODY, etag=etag, modified=modified)

    async def story() -> None:
        first = await cache.pin(FileOrder(url=f"{web.url}/image"), owner="D-1")
        assert await cache.pin(FileOrder(url=f"{web.url}/image"), owner="D-2") == first
        web.answers["/image"] = content(b"newer", etag='"v2"', modified="Tue, 07 Jan 2020 10:00:00 GMT")
        assert (await cache.pin(FileOrder(url=f"{web.url}/image"), owner="D-3")).sha256 == sha256(b"newer")

    asyncio.run(story())
    name, value = ("If-None-Match", etag) if etag else ("If-Modified-Since", modified)
    assert [headers.get(name) for _, headers in web.requests] == [None, value, value]


def test_many_who_want_a_file_at_once_share_one_download(cache: FileCache, web: WebServer) -> None:
    gate = threading.Event()
    web.answers["/image"] = content(BODY, gate=gate)

    async def story() -> None:
        pins = [asyncio.create_task(cache.pin(FileOrder(url=f"{web.url}/image"), owner=f"D-{n}")) for n in range(20)]
        await asyncio.wait(pins, timeout=0)
        gate.set()
        files = await asyncio.gather(*pins)
        assert {file.sha256 for file in files} == {sha256(BODY)}

    asyncio.run(story())
    assert web.count("/image") == 1


def test_many_who_want_a_file_that_cannot_be_had_share_the_failure(cache: FileCache, web: WebServer) -> None:
    async def story() -> None:
        pins = [cache.pin(FileOrder(url=f"{web.url}/image"), owner=f"D-{n}") for n in range(20)]
        answers = await asyncio.gather(*pins, return_exceptions=True)
        assert {str(answer) for answer in answers} == {f"{web.url}/image: its server answers 404 Not Found"}

    asyncio.run(story())
    assert web.count("/image") == 1


def test_who_waits_goes_on_when_the_one_who_fetches_is_cancelled(
    cache: FileCache, web: WebServer, tmp_path: Path
) -> None:
    gate, halfway = threading.Event(), threading.Event()
    web.answers["/image"] = content(BODY, gate=gate, halfway=halfway)

    async def story() -> None:
        first = asyncio.create_task(cache.pin(FileOrder(url=f"{web.url}/image"), owner="D-1"))
        await asyncio.to_thread(halfway.wait, 30)
        second = asyncio.create_task(cache.pin(FileOrder(url=f"{web.url}/image"), owner="D-2"))
        await asyncio.wait([second], timeout=0)
        first.cancel()
        gate.set()
        assert (await second).sha256 == sha256(BODY)
        with pytest.raises(asyncio.CancelledError):
            await first

    asyncio.run(story())
    assert web.count("/image") == 1
    assert left_behind(tmp_path) == []


def test_bytes_are_kept_as_they_are_sent(cache: FileCache, web: WebServer) -> None:
    packed = gzip.compress(BODY)
    web.answers["/image.tgz"] = content(packed, encoding="gzip")
    assert asyncio.run(cache.pin(FileOrder(url=f"{web.url}/image.tgz"), owner="D-1")).sha256 == sha256(packed)


def test_a_redirect_is_followed(cache: FileCache, web: WebServer) -> None:
    web.answers["/latest"] = status(302, Location="/v/1")
    web.answers["/v/1"] = status(307, Location=f"{web.url}/image")
    web.answers["/image"] = content(BODY)
    assert asyncio.run(cache.pin(FileOrder(url=f"{web.url}/latest"), owner="D-1")).sha256 == sha256(BODY)


def test_another_file_than_the_recorded_one_says_what_to_do(cache: FileCache, web: WebServer) -> None:
    web.answers["/image"] = content(BODY)
    with pytest.raises(InvalidFile) as caught:
        asyncio.run(cache.pin(FileOrder(url=f"{web.url}/image", checksum=sha256(b"older")), owner="D-1"))
    assert str(caught.value) == (
        f"{web.url}/image has changed since it was recorded: its checksum is {sha256(BODY)[:12]}…, "
        f"recorded was {sha256(b'older')[:12]}… "
        "(if the new file is the right one, run kaenv --update-image-checksum NAME)"
    )


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (content(BODY, told=len(BODY) + 7), f"came truncated: the connection ended after .* of {len(BODY) + 7} bytes"),
        (chunked(BODY, whole=False), r"came truncated: the connection ended after \d+ bytes"),
        (content(b""), "is empty"),
        (status(403), "its server answers 403 Forbidden"),
        (status(500), "its server answers 500 Internal Server Error"),
        (status(304), "its server answers 304 Not Modified"),
        (status(302), "its server answers 302 Found"),
        (status(302, Location="/image"), "leads through more than 5 redirects"),
        (status(302, Location="file:///etc/shadow"), "leads to file:/+etc/shadow, which is not followed"),
        (lambda request: request.wfile.write(b"no http at all\r\n\r\n"), "cannot be fetched: "),
    ],
)
def test_a_file_that_does_not_come_is_one_clear_sentence(
    cache: FileCache, web: WebServer, tmp_path: Path, answer: Answer, sentence: str
) -> None:
    web.answers["/image"] = answer
    with pytest.raises(InvalidFile, match=f"{web.url}/image.* {sentence}"):
        asyncio.run(cache.pin(FileOrder(url=f"{web.url}/image"), owner="D-1"))
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (replace(HASTY, stall=0.2), "its server does not answer"),
        (replace(HASTY, whole=0.2), "did not come whole within"),
    ],
)
def test_a_server_that_stops_sending_is_given_up(
    open_cache: OpenCache, web: WebServer, tmp_path: Path, limits: FetchLimits, sentence: str
) -> None:
    gate = threading.Event()
    web.answers["/image"] = content(BODY, gate=gate)
    try:
        with pytest.raises(InvalidFile, match=sentence):
            asyncio.run(open_cache(limits=limits).pin(FileOrder(url=f"{web.url}/image"), owner="D-1"))
    finally:
        gate.set()
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://127.0.0.1:1/image", "cannot be fetched: All connection attempts failed"),
        ("http://alice:hunter2@127.0.0.1:1/image", "^http://127.0.0.1:1/image cannot be fetched"),
        ("http://no-such-host.invalid/image", "cannot be fetched: no-such-host.invalid: "),
        ("ftp://127.0.0.1/image", "is not a URL that can be fetched"),
        ("/srv/image", "is not a URL that can be fetched"),
    ],
)
def test_a_url_that_leads_nowhere_is_one_clear_sentence(cache: FileCache, url: str, sentence: str) -> None:
    with pytest.raises(InvalidFile, match=sentence) as caught:
        asyncio.run(cache.pin(FileOrder(url=url), owner="D-1"))
    assert "hunter2" not in str(caught.value)
