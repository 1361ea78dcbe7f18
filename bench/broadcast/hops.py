"""How long the way through a long chain is: 200 hops on loopback from a throttled source.

The floor is a chain of bare processes that only receive and send, fed at the same rate in the same bursts.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from bench.broadcast.asked import Asked
from bench.broadcast.figure import Figure
from bench.broadcast.image import MB, made
from bench.broadcast.machine import Moment
from bench.broadcast.shaped import LONGEST, NOWHERE
from kadeploy.broadcast.allowance import Allowance
from kadeploy.broadcast.manifest import Manifest
from kadeploy.broadcast.source import Head
from kadeploy.testing.chain import give_orders, relays, started

HOPS = 200
MEGABYTES = 20
RATE = MB  # bytes a second: two cores must carry two hundred times that


def hops(asked: Asked) -> list[Figure]:
    image, manifest = made(asked.directory, asked.megabytes(MEGABYTES))
    count = asked.nodes(HOPS)
    bare_first, bare_last = _bare_run(manifest.size, count)
    best = min(_run(image, manifest, count) for _ in range(asked.rounds))
    last, first, load = best
    detail = f"first {first:.2f} s, last {last:.2f} s, machine {load:.0%} busy"
    return [
        Figure(
            bench="hops",
            what=f"last of {count} hops after the first, % of the time",
            value=100 * (last - first) / first,
            bar=1.5,
            floor=100 * (bare_last - bare_first) / bare_first,
            detail=detail,
        )
    ]


def _run(image: Path, manifest: Manifest, count: int) -> tuple[float, float, float]:
    with relays(count) as nodes, started(Head(image, manifest, host="127.0.0.1", rate=RATE)) as head:
        before, began = Moment.now(), time.monotonic()
        give_orders(head, nodes, lambda name: NOWHERE, spool_limit=64 * MB)
        for node in nodes:
            node.outcome(LONGEST)
        load = Moment.now().load_since(before)
        return nodes[-1].progressed_at - began, nodes[0].progressed_at - began, load


def _bare_run(size: int, count: int) -> tuple[float, float]:
    """Seconds until the first and the last have all."""
    with contextlib.ExitStack() as stack:
        near, source = socket.socketpair()
        stack.enter_context(source)
        taps: list[socket.socket] = []
        for number in range(count):
            near, tap = stack.enter_context(_bare_relay(near, size))
            if number in (0, count - 1):
                taps.append(tap)
        drain = threading.Thread(target=_drain, args=(near, size))
        drain.start()
        began, allowance, left = time.monotonic(), Allowance(RATE), size
        while left:
            burst = min(left, allowance.burst())
            allowance.take(0, burst)
            source.sendall(bytes(burst))
            left -= burst
        ends = []
        for tap in taps:
            tap.recv(1)
            ends.append(time.monotonic() - began)
        drain.join()
        return ends[0], ends[-1]


@contextlib.contextmanager
def _bare_relay(near: socket.socket, size: int) -> Iterator[tuple[socket.socket, socket.socket]]:
    """A process that passes on what comes, and tells its tap when it has all. Yields where the next reads, the tap."""
    listener = socket.create_server(("127.0.0.1", 0))
    far = socket.create_connection(listener.getsockname())
    following, _ = listener.accept()
    listener.close()
    tap, told = socket.socketpair()
    pid = os.fork()
    if not pid:
        following.close()
        far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffer, left = bytearray(256 << 10), size
        try:
            while count := near.recv_into(buffer):
                far.sendall(memoryview(buffer)[:count])
                left -= count
                if not left:
                    told.send(b".")
        finally:
            os._exit(0)
    near.close()
    far.close()
    told.close()
    try:
        yield following, tap
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        following.close()
        tap.close()


def _drain(near: socket.socket, left: int) -> None:
    buffer = bytearray(1 << 20)
    while left:
        left -= near.recv_into(buffer)
