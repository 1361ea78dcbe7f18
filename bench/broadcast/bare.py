"""Relays without memory, checks or healing, between the same ends as ours: what the machine itself allows for.

In one thread each. `copied`: recv_into and sendall of one buffer, and a pass of the digest. `spliced`: splice(2) from
one socket to the other through a pipe, nothing seen of the bytes. `teed`: spliced, with what tee(2) doubles read and
digested.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import socket
import struct
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from kadeploy.broadcast.digests import begun

BUFFER = 256 << 10
PIPE = 1 << 20


def copied(near: socket.socket, far: socket.socket, algorithm: str) -> None:
    buffer = bytearray(BUFFER)
    view, digest = memoryview(buffer), begun(algorithm)
    while count := near.recv_into(buffer):
        far.sendall(view[:count])
        digest.update(view[:count])


def spliced(near: socket.socket, far: socket.socket, algorithm: str) -> None:
    out, into = _pipe()
    while count := os.splice(near.fileno(), into, PIPE):
        while count:
            count -= os.splice(out, far.fileno(), count)
    os.close(out)
    os.close(into)


def teed(near: socket.socket, far: socket.socket, algorithm: str) -> None:
    (out, into), (copy_out, copy_into) = _pipe(), _pipe()
    tee, buffer, digest = ctypes.CDLL(None, use_errno=True).tee, bytearray(PIPE), begun(algorithm)
    tee.argtypes, tee.restype = (ctypes.c_int, ctypes.c_int, ctypes.c_size_t, ctypes.c_uint), ctypes.c_ssize_t
    with open(copy_out, "rb", buffering=0) as copy:
        while os.splice(near.fileno(), into, PIPE):
            left = doubled = tee(out, copy_into, PIPE, 0)
            if doubled < 0:
                raise OSError(ctypes.get_errno(), "tee")
            while left:
                left -= os.splice(out, far.fileno(), left)
            while doubled:
                count = copy.readinto(memoryview(buffer)[:doubled])
                digest.update(memoryview(buffer)[:count])
                doubled -= count
    for descriptor in (out, into, copy_into):
        os.close(descriptor)


def digested(image: Path, algorithm: str) -> float:
    """Seconds of the processor for the digest alone."""
    buffer, digest, took = bytearray(BUFFER), begun(algorithm), 0.0
    with image.open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            before = time.thread_time()
            digest.update(memoryview(buffer)[:count])
            took += time.thread_time() - before
    return took


WAYS: Mapping[str, Callable[[socket.socket, socket.socket, str], None]] = {
    "copied": copied,
    "spliced": spliced,
    "teed": teed,
}


def seconds(way: str, image: Path, algorithm: str) -> float:
    """Of the processor, for the whole image."""
    near, far = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
    source, drain = _forked(lambda: _give(near, image)), _forked(lambda: _drain(far))
    read, write = os.pipe()
    ends = near.getsockname(), far.getsockname()
    relay = _forked(lambda: os.write(write, struct.pack("d", _relay(way, *ends, algorithm))))
    os.close(write)
    said = os.read(read, 8)
    for pid in (source, drain, relay):
        os.waitpid(pid, 0)
    os.close(read)
    near.close()
    far.close()
    return float(struct.unpack("d", said)[0])


def _forked(work: Callable[[], object]) -> int:
    pid = os.fork()
    if not pid:
        try:
            work()
        finally:
            os._exit(0)
    return pid


def _pipe() -> tuple[int, int]:
    out, into = os.pipe()
    fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, PIPE)
    return out, into


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


def _relay(way: str, source: tuple[str, int], target: tuple[str, int], algorithm: str) -> float:
    with socket.create_connection(source) as near, socket.create_connection(target) as far:
        before = resource.getrusage(resource.RUSAGE_SELF)
        WAYS[way](near, far, algorithm)
        after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
