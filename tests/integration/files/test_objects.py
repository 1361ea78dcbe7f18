"""Images in an object store, with the credentials of the configuration and no others."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import boto3
import pytest

from kadeploy.domain.image import LocalFile
from kadeploy.errors import CacheFull, InvalidFile
from kadeploy.files.depot import Depot
from kadeploy.ports.files import FileOrder
from tests.integration.files.conftest import HASTY, LOOPBACK, MIB, OpenCache
from tests.integration.files.store_server import BUCKET, KEY, SECRET, store_server

BODY = random.Random(3).randbytes(9 * MIB + 77)
SHA256 = hashlib.sha256(BODY).hexdigest()
URL = f"s3://{BUCKET}/debian/12 min.tgz"


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with store_server(tmp_path_factory.mktemp("store")) as url:
        yield url


@pytest.fixture
def store(endpoint: str) -> Iterator[object]:
    client = boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id=KEY, aws_secret_access_key=SECRET, region_name="us-east-1"
    )
    client.create_bucket(Bucket=BUCKET)
    client.put_object(Bucket=BUCKET, Key="debian/12 min.tgz", Body=BODY)
    client.put_object(Bucket=BUCKET, Key="empty", Body=b"")
    yield client
    client.close()


def depot(endpoint: str, prefix: str = f"s3://{BUCKET}/") -> Depot:
    return Depot(prefix=prefix, endpoint=endpoint, key=KEY, secret=SECRET, region="us-east-1")


def seen(file: LocalFile) -> int:
    """When it was written, being what it should be."""
    assert (file.size, Path(file.path).read_bytes()) == (len(BODY), BODY)
    return Path(file.path).stat().st_mtime_ns


def test_an_object_is_fetched_once_and_again_when_it_changed(
    open_cache: OpenCache, endpoint: str, store: object, tmp_path: Path
) -> None:
    cache = open_cache(web=replace(LOOPBACK, depots=(depot(endpoint),)))

    async def story() -> None:
        first = await cache.pin(FileOrder(url=URL, checksum=SHA256), owner="D-1")
        written = seen(first)
        assert (await cache.pin(FileOrder(url=URL), owner="D-2")).sha256 == SHA256
        assert seen(first) == written  # asked for, and not sent again
        store.put_object(Bucket=BUCKET, Key="debian/12 min.tgz", Body=b"newer")  # type: ignore[attr-defined]
        assert (await cache.pin(FileOrder(url=URL), owner="D-3")).size == 5
        with pytest.raises(InvalidFile, match="has changed since it was recorded"):
            await cache.pin(FileOrder(url=URL, checksum="0" * 64), owner="D-4")

    asyncio.run(story())
    kept = "".join(path.read_text() for path in (tmp_path / "cache").glob("*.json"))
    assert SECRET not in kept


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        (f"s3://{BUCKET}/nothing", "does not exist"),
        (f"s3://{BUCKET}/empty", "is empty"),
        (f"s3://{BUCKET}/debian", "is not a file|does not exist"),
        ("s3://elsewhere/image", "this server knows no store for it .*files.sources"),
        (f"s3://{BUCKET}-too/image", "this server knows no store for it"),
        ("s3://", "is not a URL that can be fetched"),
    ],
)
def test_what_is_not_there_is_one_clear_sentence(
    open_cache: OpenCache, endpoint: str, store: object, url: str, sentence: str
) -> None:
    cache = open_cache(web=replace(LOOPBACK, depots=(depot(endpoint),)))
    with pytest.raises(InvalidFile, match=sentence) as caught:
        asyncio.run(cache.pin(FileOrder(url=url), owner="D-1"))
    assert SECRET not in str(caught.value)


def test_it_is_bounded_like_every_file(open_cache: OpenCache, endpoint: str, store: object) -> None:
    cache = open_cache(size=5 * MIB, web=replace(LOOPBACK, depots=(depot(endpoint),)))
    with pytest.raises(CacheFull, match="needs at least 10 MiB of the file cache, which has 5 MiB"):
        asyncio.run(cache.pin(FileOrder(url=URL), owner="D-1"))
    with pytest.raises(InvalidFile, match="is larger than 1000 bytes"):
        asyncio.run(cache.pin(FileOrder(url=URL, limit=1000), owner="D-1"))


def test_the_machines_own_credentials_are_not_used(
    open_cache: OpenCache, endpoint: str, store: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that is named without a key is asked as anybody."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    anybody = replace(depot(endpoint), key="", secret="")
    cache = open_cache(web=replace(LOOPBACK, depots=(anybody,)))
    with pytest.raises(InvalidFile, match="its store does not let this server read it"):
        asyncio.run(cache.pin(FileOrder(url=URL), owner="D-1"))


def test_a_store_that_does_not_answer_is_one_clear_sentence(open_cache: OpenCache) -> None:
    cache = open_cache(web=replace(LOOPBACK, depots=(depot("http://127.0.0.1:1"),)), limits=replace(HASTY, resumes=0))
    with pytest.raises(InvalidFile, match="cannot be fetched"):
        asyncio.run(cache.pin(FileOrder(url=URL), owner="D-1"))


@pytest.mark.parametrize(("now", "first"), [(BODY, 2), (BODY[::-1], 1)], ids=["the same", "changed meanwhile"])
def test_what_has_come_half_is_gone_on_with_after_a_restart(
    open_cache: OpenCache, endpoint: str, store: object, now: bytes, first: int
) -> None:
    web = replace(LOOPBACK, depots=(depot(endpoint),))
    cache = open_cache(web=web)

    async def given_up() -> None:
        some = asyncio.Event()
        pinning = asyncio.create_task(
            cache.pin(FileOrder(url=URL), owner="D-1", report=lambda _done, _total: some.set())
        )
        await some.wait()
        pinning.cancel()
        await asyncio.wait([pinning])

    asyncio.run(given_up())
    assert cache.half >= 4 * MIB
    cache.close()
    store.put_object(Bucket=BUCKET, Key="debian/12 min.tgz", Body=now)  # type: ignore[attr-defined]
    again, told = open_cache(web=web), list[int]()
    order = FileOrder(url=URL, checksum=hashlib.sha256(now).hexdigest())
    file = asyncio.run(again.pin(order, owner="D-2", report=lambda done, _total: told.append(done)))
    assert Path(file.path).read_bytes() == now
    assert told[0] >= first * 4 * MIB
    assert (told[0] == 4 * MIB) is (now != BODY)
    assert again.half == 0
