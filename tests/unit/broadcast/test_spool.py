from __future__ import annotations

import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadeploy.broadcast.manifest import Manifest, manifest_from
from kadeploy.broadcast.spool import Gone, Spool

CHUNK = 10


def manifest(content: bytes) -> Manifest:
    parts = [content[i : i + CHUNK] for i in range(0, len(content), CHUNK)]
    return manifest_from(len(content), CHUNK, [hashlib.sha256(part).digest() for part in parts])


def put(spool: Spool, data: bytes) -> int:
    """As much as there is room for."""
    done = 0
    while done < len(data) and (room := spool.room(len(data) - done, 0)) is not None:
        room[:] = data[done : done + len(room)]
        done += len(room)
        spool.advance(len(room))
    return done


def check(spool: Spool) -> None:
    while not spool.unchecked.empty():
        index = spool.unchecked.get().chunk
        assert spool.manifest.matches(index, spool.chunk(index))
        spool.settle(index)


def test_all_is_kept_when_it_fits() -> None:
    content = bytes(range(95))
    spool = Spool(manifest(content), 100)
    assert put(spool, content) == 95
    check(spool)
    assert spool.is_verified
    for _ in range(10):
        spool.consumed()
    assert bytes(spool.view(0, 100)) == content[:10]
    assert bytes(spool.view(92, 100)) == content[92:]


def test_a_window_waits_for_the_sink_and_for_readers() -> None:
    content = bytes(range(100))
    spool = Spool(manifest(content), 40)
    needed: list[int | None] = [0]
    spool.floor = lambda: needed[0]
    assert put(spool, content) == 40
    check(spool)
    spool.consumed()
    spool.consumed()
    assert spool.room(10, 0) is None  # a reader still needs byte 0
    needed[0] = 10
    assert put(spool, content[40:]) == 10
    needed[0] = None
    assert put(spool, content[50:]) == 10  # the sink is not through with the third chunk
    with pytest.raises(Gone) as gone:
        spool.wait(15, 100, verified=False, timeout=0)
    assert gone.value.args == (20,)
    assert spool.wait(20, 100, verified=False, timeout=0) == 40


def test_a_range_waits_until_it_is_verified() -> None:
    content = bytes(range(30))
    spool = Spool(manifest(content), 100)
    put(spool, content[:15])
    assert spool.wait(0, 10, verified=True, timeout=0) == 0
    check(spool)
    assert spool.wait(0, 10, verified=True, timeout=0) == 10
    assert spool.wait(10, 20, verified=True, timeout=0) == 0
    assert spool.wait(10, 20, verified=False, timeout=0) == 5


def test_the_first_reason_counts_and_nobody_waits_for_ever() -> None:
    spool = Spool(manifest(bytes(30)), 100)
    spool.fail("the first")
    spool.fail("the second")
    assert spool.broken == "the first"
    assert spool.wait_good(0, 60) is None
    assert spool.wait(0, 30, verified=False, timeout=60) == 0
    assert not spool.wait_verified(60)


def test_only_a_chunk_that_has_begun_is_ready_for_more() -> None:
    content = bytes(range(25))
    spool = Spool(manifest(content), 100)
    sizes = []
    for count in (4, 6, 10, 3, 2):
        ready = spool.ready(100)
        sizes.append(None if ready is None else len(ready))
        put(spool, content[spool.received : spool.received + count])
    assert sizes == [None, 6, None, None, 2]


def passed_on(grain: int, arrivals: list[tuple[int, int]], chunk: int) -> list[int]:
    """How far it had come each time when bytes were passed on, of (new bytes, bytes that are here behind them)."""
    content = bytes(1_000_000)
    parts = [hashlib.sha256(content[at : at + chunk]).digest() for at in range(0, len(content), chunk)]
    spool, told = Spool(manifest_from(len(content), chunk, parts), len(content)), list[int]()
    spool.grain = grain

    def pass_on() -> bool:
        told.append(spool.received)
        return True

    spool.pass_on = pass_on
    for count, behind in arrivals:
        assert spool.room(count, 0) is not None
        spool.advance(count, is_late=behind > spool.enough)
    return told


@pytest.mark.parametrize(
    ("arrivals", "told"),
    [
        ([(600, 0), (600, 0), (1000, 0)], [1200, 2200]),  # when they are worth it
        ([(1000, 900), (1000, 0)], [1000, 2000]),  # what is here is not worth it yet
        ([(1000, 5000), (1000, 4000), (1000, 0)], [3000]),  # it is late: in one go
        ([(70_000, 9000), (70_000, 9000), (1000, 0)], [140_000, 141_000]),  # but never too much
        ([(500_000, 9000)], [500_000]),  # nor past the end of a chunk
    ],
)
def test_bytes_are_passed_on_when_they_are_worth_it(arrivals: list[tuple[int, int]], told: list[int]) -> None:
    assert passed_on(1000, arrivals, 500_000) == told


@given(content=st.binary(min_size=1, max_size=200), limit=st.integers(0, 200), seed=st.integers())
def test_any_pace_of_everybody_gives_the_same_bytes(content: bytes, limit: int, seed: int) -> None:
    chance = random.Random(seed)
    spool = Spool(manifest(content), limit)
    sunk, read = b"", b""
    spool.floor = lambda: len(read)
    while len(sunk) < len(content) or len(read) < len(content):
        match chance.randrange(3):
            case 0:
                put(spool, content[spool.received :][: chance.randrange(1, 30)])
            case 1 if (count := spool.wait(len(read), len(content), verified=False, timeout=0)) > 0:
                read += bytes(spool.view(len(read), min(count, chance.randrange(1, 30))))
            case 2 if spool.written < spool.manifest.count:
                check(spool)
                if (chunk := spool.wait_good(spool.written, 0)) is not None:
                    sunk += bytes(chunk)
                    spool.consumed()
    assert (sunk, read) == (content, content)
