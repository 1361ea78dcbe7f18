from __future__ import annotations

import base64
import hashlib
import json
import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadeploy.broadcast.digests import KNOWN, digest_of
from kadeploy.broadcast.manifest import BadManifest, Manifest, Manifests, chunk_size_for, manifest_from, manifest_of
from kadeploy.errors import InvalidFile


def test_a_file_has_a_digest_for_each_chunk(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(content := random.Random(1).randbytes(2500))
    manifest = manifest_of(image, chunk_size=1000)
    assert manifest.digests == tuple(hashlib.sha256(content[i : i + 1000]).digest() for i in (0, 1000, 2000))
    assert manifest.span(2) == (2000, 500)
    assert manifest.matches(2, content[2000:])
    assert not manifest.matches(2, content[2000:-1] + bytes([content[-1] ^ 1]))


def test_an_empty_file_has_no_chunks(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.touch()
    assert manifest_of(image).count == 0


def test_a_missing_image_is_told_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match="nothing-here cannot be read: No such file"):
        manifest_of(tmp_path / "nothing-here")


@given(size=st.integers(0, 1 << 50))
def test_a_manifest_stays_small(size: int) -> None:
    chunk = chunk_size_for(size)
    assert chunk & (chunk - 1) == 0
    assert -(-size // chunk) <= 4096


@given(content=st.binary(max_size=300), chunk=st.integers(1, 64), algorithm=st.sampled_from(KNOWN))
def test_json_keeps_everything(content: bytes, chunk: int, algorithm: str) -> None:
    manifest = _manifest(content, chunk, algorithm)
    assert Manifest.from_json(manifest.to_json()) == manifest


@pytest.mark.parametrize(
    "change",
    [
        {"size": 100},
        {"size": -1},
        {"chunk_size": 0},
        {"digests": "not base64!"},
        {"digests": base64.b64encode(b"short").decode()},
        {"algorithm": "rot13"},
        {"total": "00"},
        {"size": None},
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(BadManifest):
        Manifest.from_json({**_manifest(bytes(50), 16).to_json(), **change})


def test_a_digest_that_is_not_known_is_named() -> None:
    changed = {**_manifest(bytes(50), 16).to_json(), "algorithm": "md5"}
    with pytest.raises(BadManifest, match=f"checked by 'md5', and this machine knows only {', '.join(KNOWN)}"):
        Manifest.from_json(changed)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(changes=st.dictionaries(st.sampled_from(["size", "chunk_size", "digests", "total", "algorithm"]), JSON))
def test_any_nonsense_is_refused_as_such(changes: dict[str, object]) -> None:
    whole = _manifest(bytes(50), 16)
    try:
        found = Manifest.from_json({**whole.to_json(), **changes})
    except BadManifest:
        return
    assert found == whole


@given(cut=st.integers(0, 400), change=st.binary(min_size=1, max_size=8), algorithm=st.sampled_from(KNOWN))
def test_bytes_that_changed_on_the_way_are_found_out(cut: int, change: bytes, algorithm: str) -> None:
    whole = json.dumps(_manifest(bytes(50), 16, algorithm).to_json()).encode()
    cut %= len(whole)
    try:
        found = Manifest.from_json(json.loads(whole[:cut] + change + whole[cut + len(change) :]))
    except ValueError:  # JSONDecodeError, UnicodeDecodeError, BadManifest
        return
    assert found == _manifest(bytes(50), 16, algorithm)


def test_one_file_has_a_manifest_for_each_digest(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(bytes(5000))
    manifests = Manifests(image)
    for name in KNOWN:
        assert manifests.by(name) == manifest_of(image, algorithm=name)
        assert manifests.by(name) is manifests.by(name)


def test_a_file_that_changes_between_two_manifests_is_refused(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(bytes(5000))
    manifests = Manifests(image)
    manifests.by(KNOWN[0])
    os.utime(image, (1, 1))
    with pytest.raises(InvalidFile, match="changed while it was read"):
        manifests.by(KNOWN[1])


def test_a_changed_digest_does_not_match_the_total() -> None:
    data = _manifest(bytes(50), 16).to_json()
    digests = bytearray(base64.b64decode(data["digests"]))
    digests[0] ^= 1
    with pytest.raises(BadManifest, match="its own total"):
        Manifest.from_json({**data, "digests": base64.b64encode(digests).decode()})


def _manifest(content: bytes, chunk: int, algorithm: str = "sha256") -> Manifest:
    parts = [content[i : i + chunk] for i in range(0, len(content), chunk)]
    return manifest_from(len(content), chunk, [digest_of(algorithm, part) for part in parts], algorithm)
