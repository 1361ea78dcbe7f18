"""What `kadmin install` brings: gone on with where it was cut off, when it is certainly still the same file."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import random
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kadeploy.admin.brought import KEPT, Cargo, bring
from kadeploy.admin.half import half_of
from kadeploy.domain.image import Compression
from kadeploy.errors import Conflict, InvalidFile
from kadeploy.files.web import Web
from tests.integration.files.conftest import HASTY, LOOPBACK
from tests.integration.files.range_server import Parts
from tests.integration.files.web_server import WebServer, content, status

MEGA = 1_000_000
BODY = gzip.compress(random.Random(4).randbytes(4 * MEGA), compresslevel=0, mtime=0)
NEWER = gzip.compress(random.Random(5).randbytes(4 * MEGA), compresslevel=0, mtime=0)
ONCE = replace(LOOPBACK, limits=replace(HASTY, resumes=0))
"""A broken connection is the end of it."""


@pytest.fixture
def cargo(web: WebServer, tmp_path: Path) -> Cargo:
    return Cargo(
        key="image.file", source=f"{web.url}/image", target=tmp_path / "image.tgz", compression=Compression.GZIP
    )


def brought(cargo: Cargo, web: Web = LOOPBACK) -> str:
    sha256 = asyncio.run(bring(cargo, web, replaced=False))
    assert hashlib.sha256(cargo.target.read_bytes()).hexdigest() == sha256
    assert [path.name for path in cargo.target.parent.iterdir()] == ["image.tgz"]
    return sha256


def cut_off(cargo: Cargo, web: WebServer) -> None:
    """Half of it came, and its server is gone for the moment."""
    first = Parts(body=BODY, cut=2 * MEGA)
    web.answers["/image"] = lambda request: (status(503) if first.connections else first)(request)
    with pytest.raises(InvalidFile, match="503 Service Unavailable") as caught:
        asyncio.run(bring(cargo, LOOPBACK, replaced=False))
    assert caught.value.hint == KEPT
    assert (part_of(cargo).stat().st_size, part_of(cargo).stat().st_mode & 0o777) == (2 * MEGA, 0o600)
    web.requests.clear()


def part_of(cargo: Cargo) -> Path:
    return cargo.target.with_name(".image.tgz.part")


def note_of(cargo: Cargo) -> Path:
    return cargo.target.with_name(".image.tgz.part.json")


def ranges(web: WebServer) -> list[str]:
    return [headers.get("Range", "") for _, headers in web.requests]


def test_what_was_cut_off_is_gone_on_with(cargo: Cargo, web: WebServer) -> None:
    cut_off(cargo, web)
    web.answers["/image"] = Parts(body=BODY, cut=len(BODY))
    assert brought(cargo) == hashlib.sha256(BODY).hexdigest()
    assert ranges(web) == [f"bytes={2 * MEGA}-"]


def test_it_is_fetched_anew_when_it_has_changed(cargo: Cargo, web: WebServer) -> None:
    cut_off(cargo, web)
    web.answers["/image"] = Parts(body=NEWER, cut=len(NEWER), etag='"v2"')
    assert brought(cargo) == hashlib.sha256(NEWER).hexdigest()


def of_another_start(cargo: Cargo) -> None:
    note_of(cargo).write_text(json.dumps({**json.loads(note_of(cargo).read_text()), "boot": "an earlier one"}))


def half_a_note(cargo: Cargo) -> None:
    note_of(cargo).write_bytes(note_of(cargo).read_bytes()[:20])


def somebody_elses(cargo: Cargo) -> None:
    other = cargo.target.parent.parent / f"{cargo.target.parent.name}-other"
    part_of(cargo).rename(other)
    part_of(cargo).symlink_to(other)


@pytest.mark.parametrize("spoil", [of_another_start, half_a_note, somebody_elses])
def test_it_is_fetched_anew_when_nobody_can_tell_what_came(
    cargo: Cargo, web: WebServer, spoil: Callable[[Cargo], None]
) -> None:
    cut_off(cargo, web)
    spoil(cargo)
    web.answers["/image"] = Parts(body=BODY, cut=len(BODY))
    assert brought(cargo) == hashlib.sha256(BODY).hexdigest()
    assert ranges(web) == [""]


def test_half_of_another_file_is_not_gone_on_with(cargo: Cargo, web: WebServer) -> None:
    cut_off(cargo, web)
    web.answers["/other"] = Parts(body=NEWER, cut=len(NEWER))
    assert brought(replace(cargo, source=f"{web.url}/other")) == hashlib.sha256(NEWER).hexdigest()
    assert ranges(web) == [""]


@pytest.mark.parametrize(
    ("answer", "checksum", "sentence"),
    [
        (content(BODY, told=len(BODY) + 1), "", "came truncated"),  # nothing vouches for the rest
        (content(b"no gzip", etag='"v1"'), "", "is not an intact gzip file"),
        (content(BODY, etag='"v1"'), "0" * 64, "is not what the description says"),
    ],
)
def test_nothing_is_left_of_what_nobody_could_go_on_with(
    cargo: Cargo, web: WebServer, answer: Callable[..., None], checksum: str, sentence: str
) -> None:
    web.answers["/image"] = answer
    with pytest.raises(InvalidFile, match=sentence) as caught:
        asyncio.run(bring(replace(cargo, checksum=checksum), ONCE, replaced=False))
    assert caught.value.hint != KEPT
    assert list(cargo.target.parent.iterdir()) == []


def test_who_leaves_keeps_what_came(cargo: Cargo, web: WebServer) -> None:
    halfway, gate = threading.Event(), threading.Event()
    web.answers["/image"] = content(BODY * 12, etag='"v1"', halfway=halfway, gate=gate)  # half is not on the way

    async def leave() -> None:
        bringing = asyncio.create_task(bring(cargo, LOOPBACK, replaced=False))
        assert await asyncio.to_thread(halfway.wait, 30)
        bringing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await bringing

    try:
        asyncio.run(leave())
    finally:
        gate.set()
    came = part_of(cargo).stat().st_size
    assert came > 0
    web.requests.clear()
    web.answers["/image"] = Parts(body=BODY * 12, cut=len(BODY) * 12)
    brought(cargo)
    assert ranges(web) == [f"bytes={came}-"]


def test_one_at_a_time_brings_a_file(cargo: Cargo, web: WebServer) -> None:
    with (
        half_of(cargo.target, cargo.source),
        pytest.raises(Conflict, match="is being brought by another kadmin install"),
    ):
        asyncio.run(bring(cargo, LOOPBACK, replaced=False))
    assert list(cargo.target.parent.iterdir()) == []
    assert web.requests == []
