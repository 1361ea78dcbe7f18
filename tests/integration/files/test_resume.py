"""Connections that break: what came is kept where the rest is certainly of the same file, else fetched anew."""

from __future__ import annotations

import asyncio
import hashlib
import random
from pathlib import Path

import pytest

from kadeploy.errors import InvalidFile
from kadeploy.files.cache import FileCache
from kadeploy.ports.files import FileOrder
from tests.integration.files.range_server import Parts
from tests.integration.files.web_server import LONG_AGO, WebServer

BODY = random.Random(7).randbytes(5_000_000)
NEWER = random.Random(8).randbytes(5_000_000)
MEGA = 1_000_000


def pin(cache: FileCache, web: WebServer, answer: Parts) -> str:
    web.answers["/image"] = answer
    file = asyncio.run(cache.pin(FileOrder(url=f"{web.url}/image"), owner="D-1"))
    content = Path(file.path).read_bytes()
    assert hashlib.sha256(content).hexdigest() == file.sha256
    return file.sha256


def asked(web: WebServer) -> list[str]:
    return [headers.get("Range", "") for _, headers in web.requests]


# What goes wrong; what is there in the end; how many connections it took, and whether they asked for the rest only.
FAULTS = {
    "cut, and the rest comes": (Parts(body=BODY, cut=2 * MEGA), BODY, 3, True),
    "cut, known by its date": (Parts(body=BODY, cut=3 * MEGA, etag="", modified=LONG_AGO), BODY, 2, True),
    "cut at every fifth, each brings more": (Parts(body=BODY, cut=MEGA), BODY, 5, True),
    "cut once, parts are not known": (Parts(body=BODY, cut=MEGA, knows_parts=False, whole_from=2), BODY, 2, True),
    "cut once, nothing to know it by": (Parts(body=BODY, cut=MEGA, etag="", whole_from=2), BODY, 2, False),
    "cut once, only a weak tag": (Parts(body=BODY, cut=MEGA, etag='W/"v1"', whole_from=2), BODY, 2, False),
    "changed meanwhile": (Parts(body=BODY, cut=MEGA, then=NEWER, whole_from=2), NEWER, 2, True),
    "changed, If-Range not heeded": (
        Parts(body=BODY, cut=MEGA, then=NEWER, heeds_if_range=False, whole_from=2),
        NEWER,
        3,
        True,
    ),
    "another part than was asked for": (
        Parts(body=BODY, cut=2 * MEGA, told_start=lambda start: start + 1, whole_from=3),
        BODY,
        3,
        True,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_comes_in_pieces_is_whole_and_of_one_file(cache: FileCache, web: WebServer, fault: str) -> None:
    answer, expected, connections, asks_for_rest = FAULTS[fault]
    assert pin(cache, web, answer) == hashlib.sha256(expected).hexdigest()
    assert len(asked(web)) == connections
    assert bool(asked(web)[1]) is asks_for_rest


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Parts(body=BODY, cut=MEGA, knows_parts=False), "came truncated: the connection ended after 1000000 of"),
        (Parts(body=BODY, cut=MEGA, etag=""), "came truncated: the connection ended after 1000000 of 5000000"),
        (Parts(body=BODY, cut=MEGA, status_later=503), "its server answers 503 Service Unavailable"),
        (Parts(body=BODY, cut=MEGA, status_later=404), "its server answers 404 Not Found"),
        (Parts(body=BODY, cut=0), "cannot be fetched|came truncated"),
    ],
)
def test_what_never_comes_whole_is_given_up(
    cache: FileCache, web: WebServer, tmp_path: Path, answer: Parts, sentence: str
) -> None:
    with pytest.raises(InvalidFile, match=sentence):
        pin(cache, web, answer)
    assert len(asked(web)) <= 6
    assert list((tmp_path / "cache" / "incoming").iterdir()) == []
    assert list((tmp_path / "cache" / "contents").iterdir()) == []


def test_the_rest_is_asked_for_from_where_it_broke(cache: FileCache, web: WebServer) -> None:
    pin(cache, web, Parts(body=BODY, cut=2 * MEGA))
    assert asked(web) == ["", "bytes=2000000-", "bytes=4000000-"]
    assert [headers.get("If-Range") for _, headers in web.requests] == [None, '"v1"', '"v1"']
