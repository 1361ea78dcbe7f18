"""Frames are what the other side sent, however they come, and their bytes are where they belong."""

from __future__ import annotations

import random
import socket
import threading

import pytest

from kadeploy.broadcast import wire
from kadeploy.broadcast.heal import Timing
from kadeploy.broadcast.link import Link, LinkLost
from kadeploy.broadcast.wire import Frame, Kind


def nothing() -> None:
    pass


def taken(link: Link, size: int, chance: random.Random) -> tuple[bytes, list[int]]:
    """All bytes until END, and what ALIVE frames said."""
    memory, at, said = memoryview(bytearray(size)), 0, list[int]()
    while (frame := link.next_frame(nothing, memory[at:] if chance.random() < 0.8 else None)).kind is not Kind.END:
        if frame.kind is Kind.ALIVE:
            said.append(frame.value)
            continue
        assert frame.value == at
        end, at = at + frame.length, at + link.placed
        while at < end:
            at += link.pull(memory[at : min(end, at + chance.randint(1, 4000))], nothing)
    assert link.here() == 0
    return bytes(memory[:at]), said


@pytest.mark.parametrize("seed", range(6))
def test_frames_of_any_size_in_any_pieces(seed: int) -> None:
    chance = random.Random(seed)
    content, at, stream, told = chance.randbytes(400_000), 0, bytearray(), list[int]()
    while at < len(content):
        if chance.random() < 0.3:
            told.append(at)
            stream += wire.encode_frame(Frame(kind=Kind.ALIVE, value=at))
        length = min(len(content) - at, chance.choice([1, 20, 5000, 5000, 5000, 30_000]))
        stream += wire.data_head(at, length, 1) + content[at : at + length]
        at += length
    stream += wire.encode_frame(Frame(kind=Kind.END))
    near, far = socket.create_server(("127.0.0.1", 0)), socket.socket()
    with near, far:
        far.connect(near.getsockname())
        sock, _ = near.accept()
        link = Link(sock, Timing(stall=2.0), wire.FROM_SOURCE)

        def give() -> None:
            left = memoryview(stream)
            while left:
                left = left[far.send(left[: chance.randint(1, 20_000)]) :]

        giving = threading.Thread(target=give)
        giving.start()
        try:
            assert taken(link, len(content), random.Random(seed)) == (content, told)
            far.shutdown(socket.SHUT_WR)
            with pytest.raises(LinkLost):
                link.next_frame(nothing, memoryview(bytearray(10)))
        finally:
            giving.join()
            link.close()
