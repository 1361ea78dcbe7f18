"""What a relay costs against the least it could cost: processor time per GB, unshaped, on loopback.

The least is a bare `recv_into`/`sendall` loop with one pass of the digest in the same thread, between the same ends.
"""

from __future__ import annotations

import hashlib
import os
import resource
import socket
import struct
from collections.abc import Callable
from pathlib import Path

from bench.broadcast.asked import Asked
from bench.broadcast.figure import Figure
from bench.broadcast.image import GB, MB, made
from bench.broadcast.shaped import LONGEST, NOWHERE
from kadeploy.broadcast.manifest import Manifest
from kadeploy.broadcast.source import Head
from kadeploy.testing.chain import give_orders, relays, started

MEGABYTES = 1000
SPOOL = 256


def relay(asked: Asked) -> list[Figure]:
    """Rounds of both, one after the other, since the machine's speed changes by the minute; the best of each."""
    image, manifest = made(asked.directory, asked.megabytes(MEGABYTES))
    ours, bare = [], []
    for _ in range(max(3, asked.rounds)):
        bare.append(_bare_seconds(image, manifest.algorithm) / (manifest.size / GB))
        ours.append(_relay_seconds(image, manifest) / (manifest.size / GB))
    least, best = min(bare), min(ours)
    what = f"relay with {SPOOL} MB of memory / bare relay and {manifest.algorithm}"
    detail = f"{best:.2f} s/GB / {least:.2f} s/GB, best of {len(ours)}"
    return [
        Figure(bench="relay", what=what, value=best / least, bar=1.3, floor=1.0, detail=detail),
        Figure(
            bench="relay", what="Gbit/s of one core, verified", value=8 / best, bar=10, floor=8 / least, at_least=True
        ),
    ]


def _relay_seconds(image: Path, manifest: Manifest) -> float:
    """Of the first of two relays: it receives, checks and forwards. Without what its start costs."""
    with relays(2) as nodes, started(Head(image, manifest, host="127.0.0.1")) as head:
        before = nodes[0].processor_seconds()
        give_orders(head, nodes, lambda name: NOWHERE, spool_limit=SPOOL * MB)
        for node in nodes:
            node.outcome(LONGEST)
        return nodes[0].processor_seconds() - before


def _bare_seconds(image: Path, algorithm: str) -> float:
    """A relay without memory, checks or healing: one loop, one digest of all that passes."""
    near, far = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
    source, drain = _forked(lambda: _give(near, image)), _forked(lambda: _drain(far))
    read, write = os.pipe()
    ends = near.getsockname(), far.getsockname()
    bare = _forked(lambda: os.write(write, struct.pack("d", _relay(*ends, algorithm))))
    (seconds,) = struct.unpack("d", os.read(read, 8))
    for pid in (source, drain, bare):
        os.waitpid(pid, 0)
    for descriptor in (read, write):
        os.close(descriptor)
    near.close()
    far.close()
    return float(seconds)


def _forked(work: Callable[[], object]) -> int:
    pid = os.fork()
    if not pid:
        try:
            work()
        finally:
            os._exit(0)
    return pid


def _give(listener: socket.socket, image: Path) -> None:
    sock, _ = listener.accept()
    with image.open("rb") as file:
        sock.sendfile(file)
    sock.close()


def _drain(listener: socket.socket) -> None:
    sock, _ = listener.accept()
    buffer = bytearray(1 << 20)
    while sock.recv_into(buffer):
        pass


def _relay(source: tuple[str, int], target: tuple[str, int], algorithm: str) -> float:
    buffer = bytearray(256 << 10)
    view, digest = memoryview(buffer), hashlib.new(algorithm)
    with socket.create_connection(source) as near, socket.create_connection(target) as far:
        before = resource.getrusage(resource.RUSAGE_SELF)
        while count := near.recv_into(buffer):
            far.sendall(view[:count])
            digest.update(view[:count])
        after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
