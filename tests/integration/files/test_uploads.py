"""Files that users send: in pieces, across crashes, within their quota; whole and as announced, or not at all."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import resource
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kadeploy.errors import (
    CacheFull,
    Conflict,
    Forbidden,
    InvalidFile,
    InvalidOption,
    KadeployError,
    NotFound,
    Unavailable,
)
from kadeploy.files.cache import FileCache
from kadeploy.ports.files import FileOrder, Keep, Reader, Upload, UploadRules
from tests.integration.files.conftest import MIB, OpenCache

BODY = random.Random(11).randbytes(5 * MIB + 3)
SHA256 = hashlib.sha256(BODY).hexdigest()
ALICE, BOB = Reader(users=("alice",)), Reader(users=("bob",))


async def pieces(content: bytes, *, breaks: bool = False) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 65536):
        yield content[start : start + 65536]
    if breaks:
        raise Unavailable("the request ended")


async def begin(cache: FileCache, body: bytes = BODY, user: str = "alice") -> Upload:
    return await cache.uploads.begin(user, size=len(body), sha256=hashlib.sha256(body).hexdigest(), name="debian.tgz")


async def send(cache: FileCache, body: bytes = BODY, user: str = "alice") -> Upload:
    upload = await begin(cache, body, user)
    return await cache.uploads.append(user, upload.id, upload.received, pieces(body[upload.received :]))


async def send_half(cache: FileCache, body: bytes = BODY) -> Upload:
    upload = await begin(cache, body)
    with pytest.raises(Unavailable):
        await cache.uploads.append("alice", upload.id, 0, pieces(body[: 3 * MIB], breaks=True))
    return (await cache.uploads.listed("alice"))[0]


async def pin(cache: FileCache, reader: Reader = ALICE, owner: str = "D-1") -> bytes:
    file = await cache.pin(FileOrder(url=f"upload://{SHA256}", reader=reader), owner=owner)
    return await asyncio.to_thread(Path(file.path).read_bytes)


def held(tmp_path: Path) -> list[int]:
    places = ("contents", "uploads", "incoming")
    return [sum(path.stat().st_size for path in (tmp_path / "cache" / place).iterdir()) for place in places]


def test_what_is_sent_is_one_of_the_contents_and_its_senders(cache: FileCache, tmp_path: Path) -> None:
    async def story() -> None:
        assert (await send(cache)).is_complete
        assert await pin(cache) == BODY
        with pytest.raises(InvalidFile, match=r"is no upload of bob"):
            await pin(cache, BOB, owner="D-2")
        again = await send_again(cache)
        assert again.is_complete

    asyncio.run(story())
    assert held(tmp_path) == [len(BODY), 0, 0]


async def send_again(cache: FileCache) -> Upload:
    """Nothing is to be sent any more."""
    return await begin(cache)


def test_a_broken_connection_and_a_restart_cost_nothing_that_came(open_cache: OpenCache, tmp_path: Path) -> None:
    cache = open_cache()
    half = asyncio.run(send_half(cache))
    assert half.received == 3 * MIB
    cache.close()
    (tmp_path / "cache" / "uploads" / "stranger").write_bytes(b"of nobody")

    again = open_cache()
    assert held(tmp_path) == [0, 3 * MIB, 0]

    async def story() -> None:
        upload = await begin(again)
        assert (upload.id, upload.received) == (half.id, 3 * MIB)
        with pytest.raises(Conflict, match=f"goes on at byte {3 * MIB}, not at 0"):
            await again.uploads.append("alice", upload.id, 0, pieces(BODY))
        assert (await again.uploads.append("alice", upload.id, 3 * MIB, pieces(BODY[3 * MIB :]))).is_complete
        assert await pin(again) == BODY

    asyncio.run(story())
    again.close()
    third = open_cache()
    asyncio.run(third.keep_only(["D-1"]))
    assert asyncio.run(pin(third, owner="D-2")) == BODY


def test_a_crash_just_before_the_check_is_made_good(open_cache: OpenCache, tmp_path: Path) -> None:
    """All bytes were written, and nobody had looked at them yet."""
    cache = open_cache()
    half = asyncio.run(send_half(cache))
    cache.close()
    (tmp_path / "cache" / "uploads" / half.id).write_bytes(BODY)
    again = open_cache()

    async def story() -> None:
        upload = await begin(again)
        assert upload.received == len(BODY) - 1
        await again.uploads.append("alice", upload.id, upload.received, pieces(BODY[-1:]))
        assert await pin(again) == BODY

    asyncio.run(story())


def test_other_bytes_than_announced_are_forgotten(cache: FileCache, tmp_path: Path) -> None:
    async def story() -> None:
        upload = await begin(cache)
        with pytest.raises(InvalidFile, match="is not what was announced: its SHA-256 is"):
            await cache.uploads.append("alice", upload.id, 0, pieces(bytes(len(BODY))))
        assert await cache.uploads.listed("alice") == []
        more = await begin(cache)
        with pytest.raises(InvalidFile, match="is more than the"):
            await cache.uploads.append("alice", more.id, 0, pieces(BODY + b"more" * MIB))
        with pytest.raises(InvalidFile):
            await pin(cache)

    asyncio.run(story())
    assert held(tmp_path)[0] == 0


def test_who_sends_a_file_sends_it_alone(cache: FileCache) -> None:
    async def story() -> None:
        upload = await begin(cache)
        arrived, go_on = asyncio.Event(), asyncio.Event()

        async def slowly() -> AsyncIterator[bytes]:
            arrived.set()
            await go_on.wait()
            yield BODY

        sending = asyncio.create_task(cache.uploads.append("alice", upload.id, 0, slowly()))
        await arrived.wait()
        with pytest.raises(Conflict, match="somebody is sending"):
            await cache.uploads.append("alice", upload.id, 0, pieces(BODY))
        with pytest.raises(Conflict, match="somebody is sending"):
            await cache.uploads.abandon("alice", upload.id)
        with pytest.raises(NotFound):
            await cache.uploads.append("bob", upload.id, 0, pieces(BODY))
        go_on.set()
        assert (await sending).is_complete

    asyncio.run(story())


def test_a_quota_bounds_what_each_user_has_here(cache: FileCache) -> None:
    """32 MiB, announced or sent."""

    async def story() -> None:
        first = await cache.uploads.begin("alice", size=30 * MIB, sha256="a" * 64, name="")
        with pytest.raises(Forbidden, match="alice has sent 30 MiB of the 32 MiB that each user may"):
            await begin(cache)
        await begin(cache, user="bob")
        await cache.uploads.abandon("alice", first.id)
        assert (await send(cache)).is_complete

    asyncio.run(story())


def test_the_room_of_an_upload_is_its_own_from_the_beginning(open_cache: OpenCache) -> None:
    cache = open_cache(size=8 * MIB)

    async def story() -> None:
        await begin(cache)
        with pytest.raises(CacheFull, match="mostly in use"):
            await begin(cache, body=BODY[1:], user="bob")
        await send(cache)

    asyncio.run(story())
    cache.close()
    again = open_cache(size=8 * MIB)
    with pytest.raises(CacheFull, match="mostly in use"):
        asyncio.run(begin(again, body=BODY[1:], user="bob"))


def test_what_nobody_uses_expires(open_cache: OpenCache, tmp_path: Path) -> None:
    cache = open_cache(rules=UploadRules(quota=32 * MIB, expires=0.0))

    async def story() -> None:
        await send(cache)
        await begin(cache, body=BODY[1:])
        assert await cache.uploads.listed("alice") == []
        with pytest.raises(InvalidFile, match="or has expired"):
            await pin(cache)
        assert [one.users for one in cache.kept()] == [()]  # its room is anybody's from now on

    asyncio.run(story())
    assert held(tmp_path)[1] == 0


def test_what_an_environment_keeps_does_not_expire(open_cache: OpenCache) -> None:
    cache = open_cache(rules=UploadRules(quota=32 * MIB, expires=0.0))
    kept = Keep(user="alice", sha256=SHA256, kept_for="environment debian version 1")

    async def story() -> None:
        sent = await send(cache)
        await cache.uploads.keep([kept])
        assert await pin(cache) == BODY
        with pytest.raises(Conflict, match="is used by environment debian version 1"):
            await cache.uploads.abandon("alice", sent.id)
        await cache.uploads.keep([])
        assert await pin(cache) == BODY, "the operation has it already"
        with pytest.raises(InvalidFile):
            await pin(cache, owner="D-2")

    asyncio.run(story())


@pytest.mark.parametrize(
    ("what", "kind"),
    [
        ({"sha256": "no hash"}, InvalidOption),
        ({"sha256": f"{'a' * 63}/"}, InvalidOption),
        ({"size": 0}, InvalidOption),
        ({"size": -5}, InvalidOption),
        ({"size": 10**15}, Forbidden),
    ],
)
def test_what_cannot_be_announced(cache: FileCache, what: dict[str, Any], kind: type[KadeployError]) -> None:
    order = {"size": 5, "sha256": SHA256, "name": "", **what}
    with pytest.raises(kind):
        asyncio.run(cache.uploads.begin("alice", **order))


@pytest.fixture
def full_disk() -> object:
    """Files of this process end at so many bytes, as on a disk that is full (setrlimit(2))."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    def fill(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    yield fill
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def test_a_full_disk_keeps_what_came_until_there_is_room(
    cache: FileCache, full_disk: Callable[[int], None], tmp_path: Path
) -> None:
    async def story() -> None:
        upload = await begin(cache)
        full_disk(2 * MIB + 17)
        with pytest.raises(CacheFull, match="cannot be kept by the server: File too large"):
            await cache.uploads.append("alice", upload.id, 0, pieces(BODY))
        full_disk(resource.RLIM_INFINITY)
        upload = await begin(cache)
        assert upload.received == 2 * MIB + 17
        await cache.uploads.append("alice", upload.id, upload.received, pieces(BODY[upload.received :]))
        assert await pin(cache) == BODY

    asyncio.run(story())


@pytest.mark.parametrize("damage", ["", "{", '{"uploads": [{"id": 3}]}', '{"uploads": 5}'])
def test_a_list_that_is_lost_costs_uploads_and_nothing_else(open_cache: OpenCache, tmp_path: Path, damage: str) -> None:
    cache = open_cache()
    asyncio.run(send_half(cache))
    cache.close()
    state = tmp_path / "cache" / "uploads.json"
    assert json.loads(state.read_text())["uploads"]
    state.write_text(damage)
    again = open_cache()
    assert held(tmp_path) == [0, 0, 0]
    assert asyncio.run(send(again)).is_complete
    assert replace(again.uploads.rules, quota=0).quota == 0
