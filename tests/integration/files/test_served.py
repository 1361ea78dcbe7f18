"""Files of the server: only those under the permitted directories, hashed once."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from kadeploy.errors import InvalidFile
from kadeploy.files.cache import FileCache
from kadeploy.ports.files import FileOrder
from tests.integration.files.conftest import OpenCache

BODY = b"an image" * 1000
SHA256 = hashlib.sha256(BODY).hexdigest()

Make = Callable[[Path], object]


@pytest.fixture
def image(root: Path) -> Path:
    path = root / "d12" / "image é.tar"
    path.parent.mkdir()
    path.write_bytes(BODY)
    return path


def pin(cache: FileCache, path: Path | str, checksum: str = "") -> str:
    return asyncio.run(cache.pin(FileOrder(url=f"server://{path}", checksum=checksum), owner="D-1")).sha256


def test_a_file_is_used_where_it_is(cache: FileCache, image: Path, tmp_path: Path) -> None:
    file = asyncio.run(cache.pin(FileOrder(url=f"server://{image}", checksum=SHA256), owner="D-1"))
    assert (file.path, file.size, file.sha256) == (str(image), len(BODY), SHA256)
    assert asyncio.run(cache.pin(FileOrder(url=f"server://{image}".replace(" ", "%20")), owner="D-1")) == file
    assert list((tmp_path / "cache" / "contents").iterdir()) == []


def test_links_inside_are_followed(cache: FileCache, root: Path, image: Path, tmp_path: Path) -> None:
    (root / "latest").symlink_to(image.parent)
    (root / "relative").symlink_to(f"d12/{image.name}")
    (tmp_path / "way-in").symlink_to(root)
    for path in (root / "latest" / image.name, root / "relative", tmp_path / "way-in" / "d12" / image.name):
        assert pin(cache, path) == SHA256


def test_what_is_outside_is_refused_alike_whether_it_is_there_or_not(
    cache: FileCache, root: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"password")
    (root / "link").symlink_to(secret)
    (root / "up").symlink_to("..")
    (root / "loop").symlink_to("loop")
    (tmp_path / "images-of-others").mkdir()
    (tmp_path / "images-of-others" / "x").write_bytes(b"x")
    for path in (
        secret,
        tmp_path / "missing",
        f"{root}/../secret",
        f"{root}/../missing",
        f"{root}/%2e%2e/secret",
        root / "link",
        root / "up" / "secret",
        tmp_path / "images-of-others" / "x",
        "/etc/shadow",
        "/proc/self/environ",
    ):
        with pytest.raises(InvalidFile, match="is not under a directory that this server may read images from"):
            pin(cache, path)
    with pytest.raises(InvalidFile, match="loop"):
        pin(cache, root / "loop")


def test_a_directory_that_is_swapped_for_a_link_meanwhile_leads_nowhere(
    cache: FileCache, root: Path, tmp_path: Path
) -> None:
    inside, outside = root / "mine", tmp_path / "outside"
    for directory, body in ((inside, BODY), (outside, b"password")):
        directory.mkdir()
        (directory / "image").write_bytes(body)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            inside.rename(root / "aside")
            inside.symlink_to(outside)
            inside.unlink()
            (root / "aside").rename(inside)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        seen = {_attempt(cache, inside / "image") for _ in range(1000)}
    finally:
        stop.set()
        thread.join()
    assert seen <= {SHA256, "refused"}


def _attempt(cache: FileCache, path: Path) -> str:
    try:
        return pin(cache, path)
    except InvalidFile:
        return "refused"


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda path: None, "the file .*/it does not exist"),
        (lambda path: path.touch(), "the file .*/it is empty"),
        (lambda path: path.mkdir(), "/it is a directory"),
        (lambda path: os.mkfifo(path), "/it is not a file"),
    ],
)
def test_what_cannot_be_an_image_is_one_clear_sentence(cache: FileCache, root: Path, make: Make, sentence: str) -> None:
    make(root / "it")
    with pytest.raises(InvalidFile, match=sentence):
        pin(cache, root / "it")


def test_a_changed_file_says_what_to_do(cache: FileCache, image: Path) -> None:
    assert pin(cache, image, SHA256) == SHA256
    before = image.stat()
    image.write_bytes(BODY[::-1])
    os.utime(image, ns=(before.st_atime_ns, before.st_mtime_ns))  # as `rsync --times` or `cp -p` leaves it
    with pytest.raises(InvalidFile, match=r"has changed since it was recorded: .*kaenv --update-image-checksum NAME"):
        pin(cache, image, SHA256)


def test_a_file_is_hashed_once_also_across_restarts(open_cache: OpenCache, image: Path, tmp_path: Path) -> None:
    cache = open_cache()
    assert pin(cache, image) == SHA256
    cache.close()
    memo = tmp_path / "cache" / "memo.json"
    saved = json.loads(memo.read_text())
    assert [entry["sha256"] for entry in saved["checksums"]] == [SHA256]
    # What is remembered is believed: the file was not read again.
    saved["checksums"][0]["sha256"] = "f" * 64
    memo.write_text(json.dumps(saved))
    again = open_cache()
    assert pin(again, image) == "f" * 64
    os.utime(image)
    assert pin(again, image) == SHA256


def test_a_file_that_changes_while_it_is_hashed_is_refused(cache: FileCache, root: Path) -> None:
    image = root / "big"
    with image.open("wb") as file:
        file.truncate(512 * 1024 * 1024)

    def is_open() -> bool:
        return any(os.path.realpath(f"/proc/self/fd/{entry}") == str(image) for entry in os.listdir("/proc/self/fd"))

    async def story() -> None:
        pinning = asyncio.create_task(cache.pin(FileOrder(url=f"server://{image}"), owner="D-1"))
        while not is_open():
            await asyncio.wait([pinning], timeout=0.001)
        with image.open("ab") as file:
            file.write(b"more")
        with pytest.raises(InvalidFile, match="is being written"):
            await pinning

    asyncio.run(story())


def test_many_who_want_a_file_at_once_get_the_same(cache: FileCache, image: Path) -> None:
    async def story() -> None:
        files = await asyncio.gather(
            *(cache.pin(FileOrder(url=f"server://{image}"), owner=f"D-{n}") for n in range(20))
        )
        assert {file.sha256 for file in files} == {SHA256}

    asyncio.run(story())


@pytest.mark.parametrize("url", ["server://srv/image", "server://", "server:///a%00b", "server:/srv/x"])
def test_a_url_that_names_no_file_is_one_clear_sentence(cache: FileCache, url: str) -> None:
    with pytest.raises(InvalidFile, match="is not a"):
        asyncio.run(cache.pin(FileOrder(url=url), owner="D-1"))
