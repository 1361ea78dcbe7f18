"""Bytes that are wrong, strangers, and consumers that fail: nobody says done falsely."""

from __future__ import annotations

import contextlib
import io
import random
import socket
import tarfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from kadeploy.broadcast import wire
from kadeploy.broadcast.order import Member
from kadeploy.broadcast.sink import SinkKind, SinkOrder
from kadeploy.broadcast.source import Head
from kadeploy.testing.chain import LONGEST, give_orders, relays, started
from tests.integration.broadcast.conftest import Image


@contextlib.contextmanager
def flipping(target: Member, at: int) -> Iterator[Member]:
    """A wire that flips one bit, `at` bytes after the start of the first connection's answers."""
    listener = socket.create_server(("127.0.0.1", 0))
    ends: list[socket.socket] = []

    def carry(source: socket.socket, sink: socket.socket, flip: int) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := bytearray(source.recv(65536)):
                if passed <= flip < passed + len(data):
                    data[flip - passed] ^= 1
                passed += len(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def accept() -> None:
        flip = at
        with contextlib.suppress(OSError):
            while True:
                reader, _ = listener.accept()
                source = socket.create_connection((target.host, target.port))
                ends.extend((reader, source))
                threading.Thread(target=carry, args=(reader, source, -1), daemon=True).start()
                threading.Thread(target=carry, args=(source, reader, flip), daemon=True).start()
                flip = -1

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield replace(target, port=listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        for one in (listener, *ends):
            one.close()


def test_a_bad_chunk_is_fetched_again_and_its_link_named(image: Image) -> None:
    with (
        relays(4) as nodes,
        started(Head(image.path, image.manifest, host="127.0.0.1")) as head,
        flipping(nodes[0].member, 5_000_000) as bent,
    ):
        orders = head.orders([node.member for node in nodes], host="127.0.0.1")
        orders["node-2"] = replace(orders["node-2"], order=(bent, *orders["node-2"].order[1:]))
        for node in nodes:
            node.order(orders[node.name], image.file_of(node.name))
        outcomes = [node.outcome() for node in nodes]
    assert all(outcome and outcome.ok for outcome in outcomes)
    assert all(image.is_whole(node.name) for node in nodes)
    repaired = [outcome.repaired for outcome in outcomes if outcome]
    assert repaired[0] == ()
    assert repaired[1] == ("chunk 4 (byte 4194304) came bad from node-1",)
    # Bytes were forwarded before they were checked, so the ones behind had to mend theirs, too.
    assert repaired[2] == ("chunk 4 (byte 4194304) came bad from node-2",)


def test_an_image_that_changed_on_the_server_reaches_no_disk(image: Image) -> None:
    with image.path.open("r+b") as file:
        file.seek(3_000_000)
        file.write(b"changed")
    with relays(2) as nodes, started(Head(image.path, image.manifest, host="127.0.0.1")) as head:
        give_orders(head, nodes, image.file_of, stall=1.0, patience=5.0)
        for outcome in [node.outcome() for node in nodes]:
            assert outcome is not None
            assert outcome.reason is not None
            assert outcome.reason.startswith("chunk 2 (byte 2097152) of the image is bad: ")
            assert outcome.progress.written <= 2 << 20
    assert not (image.directory / "copy-node-1").exists()


def test_a_consumer_that_fails_fails_its_node_only(image: Image) -> None:
    full = "head -c 3000000 >/dev/null; echo 'tar: disk: No space left on device' >&2; exit 2"
    late = "cat >/dev/null; echo cannot close the archive >&2; exit 3"
    sinks = {
        "node-1": SinkOrder(kind=SinkKind.COMMAND, commands=(("cat",), ("sh", "-c", full))),
        "node-2": SinkOrder(kind=SinkKind.COMMAND, commands=(("sh", "-c", late),)),
        "node-3": SinkOrder(kind=SinkKind.COMMAND, commands=(("no-such-command", "-x"),)),
        "node-4": SinkOrder(kind=SinkKind.FILE, path="/nowhere/at/all"),
        "node-5": image.file_of("node-5"),
    }
    with relays(5) as nodes, started(Head(image.path, image.manifest, host="127.0.0.1")) as head:
        give_orders(head, nodes, sinks.__getitem__)
        outcomes = [node.outcome() for node in nodes]
    read_from = [outcome.sources for outcome in outcomes if outcome]
    assert read_from == [("server",), ("node-1",), ("node-2",), ("node-3",), ("node-4",)]
    assert [outcome and outcome.reason for outcome in outcomes] == [
        "sh exited with 2: tar: disk: No space left on device",
        "sh exited with 3: cannot close the archive",
        "no-such-command cannot be started: No such file or directory",
        "/nowhere/at/all: No such file or directory",
        None,
    ]
    assert image.is_whole("node-5")


def test_an_archive_is_unpacked_as_it_comes(tmp_path: Path) -> None:
    tree = {f"directory/file-{number}": random.Random(number).randbytes(200_000) for number in range(20)}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in tree.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    image = Image(tmp_path, packed.getvalue())
    (target := tmp_path / "target").mkdir()
    unpack = (("gzip", "-dc"), ("tar", "-xf", "-", "-C", str(target)))
    with relays(1) as nodes, started(Head(image.path, image.manifest, host="127.0.0.1")) as head:
        order = SinkOrder(kind=SinkKind.COMMAND, commands=unpack, path=str(target))
        give_orders(head, nodes, lambda name: order)
        outcome = nodes[0].outcome()
    assert outcome is not None
    assert outcome.reason is None
    assert {name: (target / name).read_bytes() for name in tree} == tree


def test_strangers_get_nothing_and_stop_nobody(image: Image) -> None:
    with (
        relays(2) as nodes,
        started(Head(image.path, image.manifest, host="127.0.0.1", rate=8_000_000, stall=0.5)) as head,
    ):
        give_orders(head, nodes, image.file_of)
        nodes[1].wait_begun()
        hello = wire.Hello(broadcast=head.broadcast, nonce=bytes(16), name="node-9", rank=9, offset=0, end=1000)
        said = wire.encode_hello(hello)
        wrong = wire.reader_proof(b"not the secret" * 3, said, bytes(16))
        for port in (nodes[0].member.port, head.port):
            assert len(answer(port, said + wrong)) == wire.CHALLENGE_SIZE
            assert answer(port, b"GET / HTTP/1.1\r\n\r\n" * 20) == b""
            assert answer(port, wire.encode_hello(replace(hello, broadcast=bytes(16)))) == b""
            began = time.monotonic()
            assert answer(port, said[:10]) == b""  # and then it says no more
            assert time.monotonic() - began < 2.0
        assert all(outcome and outcome.ok for outcome in [node.outcome() for node in nodes])
    assert image.is_whole("node-2")


def test_what_one_member_said_lets_in_nobody_else(image: Image) -> None:
    """Whoever heard it all says it again, word for word."""
    with started(Head(image.path, image.manifest, host="127.0.0.1", stall=0.5)) as head:
        hello = wire.Hello(broadcast=head.broadcast, nonce=bytes(16), name="node-1", rank=0, offset=0, end=1000)
        said = wire.encode_hello(hello)
        with socket.create_connection(("127.0.0.1", head.port), timeout=LONGEST) as member:
            member.sendall(said)
            nonce = member.recv(wire.CHALLENGE_SIZE, socket.MSG_WAITALL)[: wire.NONCE_SIZE]
            proof = wire.reader_proof(head.secret, said, nonce)
            member.sendall(proof)
            assert len(member.recv(wire.FRAME_SIZE + 1000, socket.MSG_WAITALL)) == wire.FRAME_SIZE + 1000
        assert len(answer(head.port, said + proof)) == wire.CHALLENGE_SIZE


@contextlib.contextmanager
def impostor() -> Iterator[Member]:
    """Listens where node-0 should, does not know the secret, and gives whoever comes bytes of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    ends: list[socket.socket] = []

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                reader, _ = listener.accept()
                ends.append(reader)
                head = reader.recv(wire.HELLO_SIZE, socket.MSG_WAITALL)
                reader.recv(wire.name_size(head), socket.MSG_WAITALL)
                frame = wire.encode_frame(wire.Frame(kind=wire.Kind.DATA, length=100_000, value=0, hops=1))
                with contextlib.suppress(OSError):
                    reader.sendall(bytes(wire.CHALLENGE_SIZE) + frame + bytes(100_000))

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield Member(name="node-0", host="127.0.0.1", port=listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        for one in (listener, *ends):
            one.close()


def test_who_takes_anothers_place_without_the_secret_gives_nothing(image: Image) -> None:
    with (
        relays(1) as nodes,
        impostor() as false,
        started(Head(image.path, image.manifest, host="127.0.0.1", stall=0.5)) as head,
    ):
        orders = head.orders([false, nodes[0].member], host="127.0.0.1")
        nodes[0].order(orders["node-1"], image.file_of("node-1"))
        outcome = nodes[0].outcome()
    assert outcome is not None
    assert (outcome.reason, outcome.sources, outcome.repaired) == (None, ("server",), ())
    assert image.is_whole("node-1")


def answer(port: int, said: bytes) -> bytes:
    """All that is answered until the other side closes."""
    got = b""
    with socket.create_connection(("127.0.0.1", port), timeout=LONGEST) as sock:
        sock.sendall(said)
        with contextlib.suppress(ConnectionResetError):
            while data := sock.recv(65536):
                got += data
    return got
