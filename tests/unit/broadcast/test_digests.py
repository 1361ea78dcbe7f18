"""Which digest a node is given, of those that it and the server know."""

from __future__ import annotations

import hashlib

import pytest

from kadeploy.broadcast.digests import EVERYWHERE, KNOWN, UnknownDigest, begun, best_of, digest_of


@pytest.mark.parametrize(
    ("theirs", "ours", "best"),
    [
        (["blake3", "sha256"], ["blake3", "sha256"], "blake3"),
        (["sha256", "blake3"], ["sha256", "blake3"], "blake3"),
        (["sha256"], ["blake3", "sha256"], "sha256"),
        (["blake3", "sha256"], ["sha256"], "sha256"),
        (["blake3"], ["sha256"], "sha256"),
        ([], ["blake3", "sha256"], "sha256"),
        (["blake9", "sha256"], ["blake9", "sha256"], "sha256"),
        (["sha256", 7, None], ["blake3", "sha256"], "sha256"),
    ],
)
def test_the_best_that_both_know(theirs: list[object], ours: list[str], best: str) -> None:
    assert best_of(theirs, ours) == best


def test_every_machine_knows_one() -> None:
    assert EVERYWHERE in KNOWN
    assert digest_of(EVERYWHERE, b"abc") == hashlib.sha256(b"abc").digest()


def test_blake3_is_what_its_authors_say() -> None:
    """The first test vector of its specification: of nothing at all."""
    assert digest_of("blake3", b"").hex() == "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"


@pytest.mark.parametrize("name", KNOWN)
def test_in_parts_or_at_once(name: str) -> None:
    digest = begun(name, b"a")
    digest.update(memoryview(b"bc"))
    assert digest.digest() == digest_of(name, b"abc")


def test_one_that_is_not_known_is_told_with_those_that_are() -> None:
    with pytest.raises(UnknownDigest, match=f"'md5', and this machine knows only {', '.join(KNOWN)}"):
        digest_of("md5", b"")
