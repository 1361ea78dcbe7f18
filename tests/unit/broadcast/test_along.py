"""Chunks are digested along with what comes, or left to others; either way each is checked once, and rightly."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadeploy.broadcast import along
from kadeploy.broadcast.along import Along
from kadeploy.broadcast.spool import Spool
from tests.unit.broadcast.test_spool import CHUNK, manifest


def arrive(spool: Spool, data: bytes, digester: Along, *, is_late: bool) -> None:
    left = memoryview(data)
    while left:
        room = spool.room(len(left), 0)
        assert room is not None
        room[:] = left[: len(room)]
        left = left[len(room) :]
        spool.advance(len(room), is_late=is_late)
        if not is_late:
            digester.follow()


def test_with_time_to_spare_nothing_is_left_to_others() -> None:
    content = bytes(range(95))
    spool = Spool(manifest(content), 100)
    digester = Along(spool)
    for at in range(0, 95, 7):
        arrive(spool, content[at : at + 7], digester, is_late=False)
    assert spool.unchecked.empty()
    assert spool.is_verified


def test_one_that_is_late_leaves_the_rest_of_a_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(along, "MOST_AT_ONCE", 3)
    content = bytes(range(20))
    spool = Spool(manifest(content), 100)
    digester = Along(spool)
    arrive(spool, content[:2], digester, is_late=False)
    arrive(spool, content[2:], digester, is_late=True)
    begun, untouched = spool.unchecked.get(), spool.unchecked.get()
    assert (begun.chunk, begun.done, untouched.chunk, untouched.digest) == (0, 2, 1, None)
    assert begun.digest is not None
    assert spool.manifest.matches(0, spool.chunk(0)[2:], begun.digest)


@pytest.mark.parametrize("is_late", [False, True])
def test_a_bad_chunk_is_found(is_late: bool) -> None:
    content = bytes(range(30))
    spool = Spool(manifest(content), 100)
    arrive(spool, content[:13] + b"!" + content[14:], Along(spool), is_late=is_late)
    left = [spool.unchecked.get() for _ in range(spool.unchecked.qsize())]
    wrong = [one.chunk for one in left if not spool.manifest.matches(one.chunk, spool.chunk(one.chunk)[one.done :])]
    assert wrong + [spool.bad.get() for _ in range(spool.bad.qsize())] == [1]
    assert spool.verified == 0 if is_late else 2 * CHUNK


@given(content=st.binary(min_size=1, max_size=200), seed=st.integers(), most=st.integers(1, 30))
def test_whatever_comes_and_however_late_all_is_verified(content: bytes, seed: int, most: int) -> None:
    chance = random.Random(seed)
    spool = Spool(manifest(content), 300)
    digester = Along(spool)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(along, "MOST_AT_ONCE", most)
        at = 0
        while at < len(content):
            count = chance.randint(1, 25)
            arrive(spool, content[at : at + count], digester, is_late=chance.random() < 0.5)
            at += count
    while not spool.unchecked.empty():
        chunk, digest, done = spool.unchecked.get()
        assert spool.manifest.matches(chunk, spool.chunk(chunk)[done:], digest)
        spool.settle(chunk)
    assert spool.is_verified
    assert spool.bad.empty()
