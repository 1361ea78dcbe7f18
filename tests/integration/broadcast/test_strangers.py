"""Whatever is said to a listener: it never crashes, never blocks the chain, never grows."""

from __future__ import annotations

import contextlib
import random
import select
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kadeploy.broadcast import wire
from kadeploy.broadcast.door import MOST_STRANGERS
from kadeploy.broadcast.source import Head
from kadeploy.testing.chain import LONGEST, RelayProcess, give_orders, relays, started
from tests.integration.broadcast.conftest import SIZE, Image

STALL = 1.0
MORE = 32 << 20  # bytes of memory beside the image: threads, their buffers, and what Python keeps
RATE = 4_000_000  # bytes a second: about 3 s for the image


def garbage(lots: random.Random) -> bytes:
    return lots.randbytes(lots.choice((1, 16, 54, 300, 70_000)))


def hello_of(lots: random.Random) -> bytes:
    """One that is well made, of another broadcast or with a name and numbers beyond all bounds."""
    hello = wire.Hello(
        broadcast=lots.randbytes(16),
        nonce=lots.randbytes(16),
        name="n" * lots.randrange(256),
        rank=lots.choice((0, 2**31 - 1)),
        offset=0,
        end=lots.choice((0, 2**64 - 1)),
    )
    return wire.encode_hello(hello)


def bent_hello(lots: random.Random) -> bytes:
    said = bytearray(hello_of(lots))
    for _ in range(lots.randrange(1, 5)):
        said[lots.randrange(len(said))] = lots.randrange(256)
    return bytes(said)


def half_hello(lots: random.Random) -> bytes:
    said = hello_of(lots)
    return said[: lots.randrange(len(said))]


KINDS: dict[str, Callable[[random.Random], bytes]] = {
    "garbage": garbage,
    "hellos": hello_of,
    "bent hellos": bent_hello,
    "half a hello, then nothing": half_hello,
    "nothing at all": lambda lots: b"",
}


class Flood:
    """Keeps connecting; connections stay open until the other side closes or too many are held."""

    def __init__(self, ports: list[int], say: Callable[[random.Random], bytes], seed: int) -> None:
        self.made = 0
        self._ports, self._say, self._lots = ports, say, random.Random(seed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        held: list[socket.socket] = []
        while not self._over.is_set():
            with contextlib.suppress(OSError):
                sock = socket.create_connection(("127.0.0.1", self._lots.choice(self._ports)), timeout=1.0)
                held.append(sock)
                sock.sendall(self._say(self._lots))
                self.made += 1
            if len(held) > 3 * MOST_STRANGERS:
                held.pop(self._lots.randrange(len(held))).close()
        for sock in held:
            sock.close()

    def end(self) -> None:
        self._over.set()
        self._thread.join()


@contextlib.contextmanager
def flooded(ports: list[int], say: Callable[[random.Random], bytes]) -> Iterator[Flood]:
    flood = Flood(ports, say, seed=7)
    try:
        yield flood
    finally:
        flood.end()


def threads_and_descriptors(node: RelayProcess) -> tuple[int, int]:
    process = Path(f"/proc/{node.process.pid}")
    return len(list((process / "task").iterdir())), len(list((process / "fd").iterdir()))


@pytest.mark.parametrize("kind", KINDS)
def test_a_flood_of_strangers_neither_stops_nor_swells_a_chain(image: Image, kind: str) -> None:
    with (
        relays(3) as nodes,
        started(Head(image.path, image.manifest, host="127.0.0.1", rate=RATE, stall=STALL)) as head,
        flooded([head.port, *(node.member.port for node in nodes)], KINDS[kind]) as flood,
    ):
        before = [node.most_memory() for node in nodes]
        give_orders(head, nodes, image.file_of)
        nodes[2].wait_progress(lambda one: one.received > SIZE / 2)
        for node, little in zip(nodes, before, strict=True):
            assert node.most_memory() - little < SIZE + MORE
            threads, descriptors = threads_and_descriptors(node)
            assert threads <= MOST_STRANGERS + 20
            assert descriptors <= MOST_STRANGERS + 40
        outcomes = [node.outcome() for node in nodes]
    assert flood.made > 50
    assert [outcome and outcome.reason for outcome in outcomes] == [None] * 3
    assert all(image.is_whole(node.name) for node in nodes)


def test_of_too_many_strangers_the_first_are_shown_out(image: Image) -> None:
    """Long before their time is over; and a member is let in."""
    threads = threading.active_count()
    with (
        started(Head(image.path, image.manifest, host="127.0.0.1", stall=4 * LONGEST)) as head,
        contextlib.ExitStack() as stack,
    ):
        address = ("127.0.0.1", head.port)
        here = [
            stack.enter_context(socket.create_connection(address, timeout=LONGEST)) for _ in range(8 * MOST_STRANGERS)
        ]
        for one in here[:-MOST_STRANGERS]:
            assert one.recv(1) == b""
        assert threading.active_count() - threads <= 2 * MOST_STRANGERS + 1
        with admitted(head.port, head, member_hello(head)) as member:
            assert len(member.recv(wire.FRAME_SIZE + 1000, socket.MSG_WAITALL)) == wire.FRAME_SIZE + 1000


def test_who_says_a_byte_now_and_then_has_no_more_time_than_others(image: Image) -> None:
    said = hello_of(random.Random(1))
    with (
        started(Head(image.path, image.manifest, host="127.0.0.1", stall=0.5)) as head,
        socket.create_connection(("127.0.0.1", head.port), timeout=LONGEST) as sock,
    ):
        for count in range(len(said)):
            sock.sendall(said[count : count + 1])
            if select.select([sock], [], [], 0.1)[0]:
                break
        assert count < len(said) / 2
        assert sock.recv(1) == b""


def member_hello(head: Head, *, offset: int = 0, end: int = 1000, ranged: bool = False) -> wire.Hello:
    return wire.Hello(
        broadcast=head.broadcast, nonce=bytes(16), name="node-9", rank=9, offset=offset, end=end, ranged=ranged
    )


def admitted(port: int, head: Head, hello: wire.Hello) -> socket.socket:
    """A connection of one who knows the secret."""
    said = wire.encode_hello(hello)
    sock = socket.create_connection(("127.0.0.1", port), timeout=10.0)
    sock.sendall(said)
    challenge = b""
    while len(challenge) < wire.CHALLENGE_SIZE:
        challenge += sock.recv(wire.CHALLENGE_SIZE - len(challenge))
    sock.sendall(wire.reader_proof(head.secret, said, challenge[: wire.NONCE_SIZE]))
    return sock


def test_a_member_that_raves_harms_only_itself(image: Image) -> None:
    """It knows the secret: frames that no reader may send, lengths without end, ranges that are not there."""
    raving = [
        wire._FRAME.pack(wire.Kind.DATA, 0, 2**32 - 1, 0),
        wire._FRAME.pack(200, 0, 0, 0),
        wire._FRAME.pack(wire.Kind.ALIVE, 0, 2**32 - 1, 2**64 - 1),
        random.Random(3).randbytes(100_000),
    ]
    with (
        relays(2) as nodes,
        started(Head(image.path, image.manifest, host="127.0.0.1", rate=RATE, stall=STALL)) as head,
    ):
        give_orders(head, nodes, image.file_of)
        nodes[1].wait_begun()
        ends = [admitted(port, head, member_hello(head)) for port in (head.port, nodes[0].member.port) for _ in raving]
        ends += [admitted(head.port, head, member_hello(head, offset=2**62, end=2**63))]
        for number, sock in enumerate(ends):
            with contextlib.suppress(OSError):
                sock.sendall(raving[number % len(raving)])
        outcomes = [node.outcome() for node in nodes]
        for sock in ends:
            sock.close()
    assert [outcome and outcome.reason for outcome in outcomes] == [None] * 2
    assert all(image.is_whole(node.name) for node in nodes)


def test_a_member_that_takes_nothing_holds_back_nobody(image: Image) -> None:
    with (
        relays(2) as nodes,
        started(Head(image.path, image.manifest, host="127.0.0.1", rate=RATE, stall=STALL)) as head,
    ):
        give_orders(head, nodes, image.file_of, spool_limit=4 << 20, spool_least=0)
        nodes[1].wait_begun()
        idle = [admitted(node.member.port, head, member_hello(head, end=image.manifest.size)) for node in nodes]
        outcomes = [node.outcome() for node in nodes]
        for sock in idle:
            sock.close()
    assert [outcome and outcome.reason for outcome in outcomes] == [None] * 2
