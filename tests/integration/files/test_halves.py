"""What has come half is gone on with: after an end of the download, of the server, by SIGKILL as well; of the same file
only, and within the cache's bound."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from kadeploy.errors import CacheFull, InvalidFile
from kadeploy.files.cache import FileCache
from kadeploy.files.halves import KEPT
from kadeploy.ports.files import FileOrder
from tests.integration.files.conftest import HASTY, LOOPBACK, MIB, OpenCache
from tests.integration.files.range_server import Parts
from tests.integration.files.web_server import LONG_AGO, WebServer, content

MEGA = 1_000_000
BODY = random.Random(17).randbytes(5 * MEGA)
NEWER = random.Random(18).randbytes(5 * MEGA)
ONCE = replace(HASTY, resumes=0)
"""A broken connection is the end of it."""


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def pin(cache: FileCache, url: str, owner: str = "D-1") -> str:
    file = asyncio.run(cache.pin(FileOrder(url=url), owner=owner))
    assert sha256(Path(file.path).read_bytes()) == file.sha256
    return file.sha256


def fail(cache: FileCache, url: str) -> None:
    with pytest.raises(InvalidFile):
        pin(cache, url)


def ranges(web: WebServer) -> list[tuple[str, str]]:
    return [(headers.get("Range", ""), headers.get("If-Range", "")) for _, headers in web.requests]


def on_disk(directory: Path) -> list[int]:
    return [path.stat().st_size for path in (directory / "cache" / "halves").iterdir()]


@pytest.fixture
def begun(web: WebServer, open_cache: OpenCache) -> Callable[[Parts], FileCache]:
    """A cache that has 2 MB of /image, after the cache was closed and opened again."""

    def beginning(answer: Parts) -> FileCache:
        cache = open_cache(limits=ONCE)
        web.answers["/image"] = once_then_nothing(replace(answer, cut=2 * MEGA))
        fail(cache, f"{web.url}/image")
        cache.close()
        web.requests.clear()
        web.answers["/image"] = replace(answer, cut=10 * MEGA)
        return open_cache()

    return beginning


def once_then_nothing(answer: Parts) -> Callable[[BaseHTTPRequestHandler], None]:
    """The server is gone after the first connection."""

    def answering(request: BaseHTTPRequestHandler) -> None:
        if answer.connections:
            request.close_connection = True
            return
        answer(request)

    return answering


@pytest.mark.parametrize(
    ("answer", "vouches"),
    [(Parts(body=BODY, cut=0), '"v1"'), (Parts(body=BODY, cut=0, etag="", modified=LONG_AGO), LONG_AGO)],
)
def test_it_goes_on_after_a_restart(
    begun: Callable[[Parts], FileCache], web: WebServer, tmp_path: Path, answer: Parts, vouches: str
) -> None:
    cache = begun(answer)
    assert on_disk(tmp_path) == [2 * MEGA]
    assert cache.half == 2 * MEGA
    assert pin(cache, f"{web.url}/image") == sha256(BODY)
    assert ranges(web) == [("bytes=2000000-", vouches)]
    assert (on_disk(tmp_path), cache.half) == ([], 0)
    assert [one.size for one in cache.kept()] == [5 * MEGA]


@pytest.mark.parametrize(
    ("answer", "body", "asked"),
    [
        (Parts(body=BODY, cut=0, knows_parts=False), BODY, 1),
        (Parts(body=NEWER, cut=0, etag='"v2"'), NEWER, 1),
        (Parts(body=NEWER, cut=0, etag='"v2"', heeds_if_range=False), NEWER, 2),
        (Parts(body=BODY, cut=0, told_start=lambda start: start - 1), BODY, 2),
    ],
    ids=["parts are not known", "another file by now", "another, If-Range not heeded", "another part"],
)
def test_it_begins_again_when_the_server_does_not_prove_that_it_is_the_same(
    begun: Callable[[Parts], FileCache], web: WebServer, tmp_path: Path, answer: Parts, body: bytes, asked: int
) -> None:
    cache = begun(Parts(body=BODY, cut=0))
    web.answers["/image"] = replace(answer, cut=10 * MEGA)
    assert pin(cache, f"{web.url}/image") == sha256(body)
    assert len(ranges(web)) == asked
    assert ranges(web)[0] == ("bytes=2000000-", '"v1"')
    assert on_disk(tmp_path) == []


@pytest.mark.parametrize("etag", ["", 'W/"v1"'])
def test_what_nothing_vouches_for_is_not_kept(
    begun: Callable[[Parts], FileCache], web: WebServer, tmp_path: Path, etag: str
) -> None:
    cache = begun(Parts(body=BODY, cut=0, etag=etag))
    assert on_disk(tmp_path) == []
    assert pin(cache, f"{web.url}/image") == sha256(BODY)
    assert ranges(web) == [("", "")]


def test_a_file_that_is_gone_takes_its_half_with_it(
    begun: Callable[[Parts], FileCache], web: WebServer, tmp_path: Path
) -> None:
    cache = begun(Parts(body=BODY, cut=0))
    del web.answers["/image"]
    fail(cache, f"{web.url}/image")
    assert (on_disk(tmp_path), cache.half) == ([], 0)


def test_a_server_that_is_down_leaves_it(begun: Callable[[Parts], FileCache], web: WebServer, tmp_path: Path) -> None:
    cache = begun(Parts(body=BODY, cut=0))
    web.answers["/image"] = Parts(body=BODY, cut=0, connections=1, status_later=503)
    fail(cache, f"{web.url}/image")
    assert len(web.requests) == 1, "as who has nothing of it: it is not asked again and again"
    assert on_disk(tmp_path) == [2 * MEGA]


def test_all_of_it_is_there_but_was_not_taken_in(
    begun: Callable[[Parts], FileCache], web: WebServer, tmp_path: Path, open_cache: OpenCache
) -> None:
    cache = begun(Parts(body=BODY, cut=0))
    cache.close()
    (half,) = (tmp_path / "cache" / "halves").iterdir()
    half.write_bytes(BODY)
    assert pin(open_cache(), f"{web.url}/image") == sha256(BODY)
    assert ranges(web) == [("bytes=4999999-", '"v1"')]


def _age(directory: Path) -> None:
    for path in (directory / "halves").iterdir():
        os.utime(path, (path.stat().st_mtime - KEPT - 1,) * 2)


def _restart_machine(directory: Path) -> None:
    state = directory / "halves.json"
    state.write_text(json.dumps({**json.loads(state.read_text()), "boot": "another"}))


def _forget(directory: Path) -> None:
    (directory / "halves.json").unlink()


def _garble(directory: Path) -> None:
    (directory / "halves.json").write_text('{"halves": [1], "boot": 3')


@pytest.mark.parametrize("spoil", [_age, _restart_machine, _forget, _garble])
def test_what_cannot_be_gone_on_with_goes_at_the_start(
    begun: Callable[[Parts], FileCache],
    web: WebServer,
    tmp_path: Path,
    open_cache: OpenCache,
    spoil: Callable[[Path], None],
) -> None:
    begun(Parts(body=BODY, cut=0)).close()
    spoil(tmp_path / "cache")
    cache = open_cache()
    assert on_disk(tmp_path) == []
    assert pin(cache, f"{web.url}/image") == sha256(BODY)
    assert ranges(web) == [("", "")]


def test_an_old_one_goes_while_the_server_runs(
    begun: Callable[[Parts], FileCache], web: WebServer, tmp_path: Path
) -> None:
    cache = begun(Parts(body=BODY, cut=0))
    _age(tmp_path / "cache")
    web.answers["/other"] = content(b"x")
    pin(cache, f"{web.url}/other")
    assert (on_disk(tmp_path), cache.half) == ([], 0)


def test_it_counts_and_goes_first_when_room_is_needed(
    begun: Callable[[Parts], FileCache], web: WebServer, tmp_path: Path, open_cache: OpenCache
) -> None:
    begun(Parts(body=BODY, cut=0)).close()
    web.answers |= {"/a": content(b"a" * 4 * MIB), "/b": content(b"b" * 3 * MIB), "/c": content(b"c" * 9 * MIB)}
    cache = open_cache(size=8 * MIB)
    pin(cache, f"{web.url}/a", "D-a")
    assert on_disk(tmp_path) == [2 * MEGA], "there is room for both"
    with pytest.raises(CacheFull, match="which has 8 MiB"):
        pin(cache, f"{web.url}/c", "D-c")
    assert on_disk(tmp_path) == [2 * MEGA], "what cannot fit costs nothing"
    asyncio.run(cache.release("D-a"))
    pin(cache, f"{web.url}/b", "D-b")
    assert on_disk(tmp_path) == []
    assert sorted(one.size for one in cache.kept()) == [3 * MIB, 4 * MIB], "what is whole stays"


def test_clean_removes_it(begun: Callable[[Parts], FileCache], tmp_path: Path) -> None:
    cache = begun(Parts(body=BODY, cut=0))
    assert asyncio.run(cache.clean()) == []
    assert (on_disk(tmp_path), cache.half) == ([], 0)


def test_who_gives_up_leaves_it_for_the_next(web: WebServer, cache: FileCache, tmp_path: Path) -> None:
    gate = threading.Event()
    web.answers["/image"] = content(BODY, etag='"v1"', gate=gate)

    async def given_up() -> None:
        enough = asyncio.Event()

        def told(done: int, _total: int) -> None:
            if done >= MEGA:
                enough.set()

        pinning = asyncio.create_task(cache.pin(FileOrder(url=f"{web.url}/image"), owner="D-1", report=told))
        await enough.wait()
        pinning.cancel()
        await asyncio.wait([pinning])

    try:
        asyncio.run(given_up())
    finally:
        gate.set()
    (size,) = on_disk(tmp_path)
    assert size >= MEGA
    web.requests.clear()
    web.answers["/image"] = Parts(body=BODY, cut=10 * MEGA)
    assert pin(cache, f"{web.url}/image") == sha256(BODY)
    assert ranges(web) == [(f"bytes={size}-", '"v1"')]


@pytest.mark.parametrize(("then", "asked"), [(BODY, 1), (NEWER, 1)], ids=["the same", "changed meanwhile"])
def test_it_goes_on_after_sigkill(
    web: WebServer, open_cache: OpenCache, tmp_path: Path, then: bytes, asked: int
) -> None:
    gate = threading.Event()
    web.answers["/image"] = content(BODY, etag='"v1"', gate=gate)
    command = [
        sys.executable,
        "-m",
        "tests.integration.files.killed_fetch",
        str(tmp_path / "cache"),
        f"{web.url}/image",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert any(int(line.split()[0]) >= MEGA for line in process.stdout), "nothing came"
        finally:
            process.kill()
            gate.set()
    (size,) = on_disk(tmp_path)
    assert size >= MEGA // 2
    web.requests.clear()
    changed = {} if then is BODY else {"etag": '"v2"'}
    web.answers["/image"] = Parts(body=then, cut=10 * MEGA, **changed)  # type: ignore[arg-type]
    cache = open_cache(web=LOOPBACK)
    assert cache.half == size
    assert pin(cache, f"{web.url}/image") == sha256(then)
    assert ranges(web)[0] == (f"bytes={size}-", '"v1"')
    assert len(ranges(web)) == asked
    assert on_disk(tmp_path) == []
