"""A node's part in a broadcast: receives, checks, forwards, and feeds its sink, all at the same time.

Two phases, because the server must know every port before it can tell anybody the chain: `open_place`
opens the listening socket, `receive` does the work. Threads, since every byte is moved by a blocking
system call outside the interpreter's lock.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from kadeploy.broadcast.checker import Checker
from kadeploy.broadcast.door import listening
from kadeploy.broadcast.feeder import Feeder, Terms
from kadeploy.broadcast.heal import Timing
from kadeploy.broadcast.herald import Herald
from kadeploy.broadcast.link import LinkLost
from kadeploy.broadcast.memory import free_memory
from kadeploy.broadcast.meter import Meter
from kadeploy.broadcast.reception import Outcome, Progress, Reception
from kadeploy.broadcast.sink import Sink
from kadeploy.broadcast.sink_failed import SinkFailed
from kadeploy.broadcast.spool import Spool
from kadeploy.broadcast.standing import Standing
from kadeploy.broadcast.upstream import Upstream

log = logging.getLogger(__name__)
MOST_CHECKERS = 4
LOOK = 0.25  # seconds between two looks at `stop`
REPORT = 1.0  # seconds between two reports

Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A node's place in the chain: its listening socket. `port` is what the server must know."""

    listener: socket.socket
    port: int

    def close(self) -> None:
        self.listener.close()


def open_place(host: str = "", port: int = 0) -> Place:
    """Listen at an address of this machine (all of them by default), at a free port. Raises OSError."""
    listener = listening(host, port)
    return Place(listener=listener, port=listener.getsockname()[1])


def receive(place: Place, orders: Reception, sink: Sink, report: Report, stop: threading.Event) -> Outcome:
    """Take part until this node is done and nobody reads from it any more. Blocks; closes the place.

    `report` is called at most once a second, while there is news, and when the sink is through. `stop` ends it at once.
    Never raises for what goes wrong: that is the outcome's reason.
    """
    try:
        relay = _Relay(place, orders, sink, stop)
    except (OSError, MemoryError, OverflowError) as error:
        place.close()
        nothing = Progress(received=0, verified=0, written=0, source="")
        return Outcome(reason=f"no memory for the image: {error}", progress=nothing)
    try:
        return relay.run(report)
    finally:
        relay.end()


class SpoolShelf(Spool):
    """A spool that sends."""

    def send(self, sock: socket.socket, head: bytes, offset: int, count: int, flags: int = 0) -> int:
        try:
            return sock.sendmsg((head, self.view(offset, count)), (), flags)
        except KeyError as error:
            raise LinkLost("it is too slow: what it wanted is no longer in memory") from error


class _Relay:
    def __init__(self, place: Place, orders: Reception, sink: Sink, stop: threading.Event) -> None:
        self._orders, self._sink, self._stop = orders, sink, stop
        self._timing = Timing(stall=orders.limits.stall)
        self._over = threading.Event()  # the threads are to end
        self._sunk = threading.Event()  # every byte is verified and the sink through with them, well or not
        self._sink_reason: str | None = None
        self._began = time.monotonic()
        self._written_after: float | None = None
        self._spool = SpoolShelf(orders.manifest, orders.limits.spool_bytes(free_memory()))
        self._spool.grain = orders.grain
        self._standing = Standing(orders.rank)
        self._upstream = Upstream(orders, self._spool, self._standing, self._over)
        self._checker = Checker(orders, self._spool, self._upstream, self._over)
        self._checkers = min(MOST_CHECKERS, os.cpu_count() or 1)
        terms = Terms(
            broadcast=orders.broadcast,
            secret=orders.secret,
            timing=self._timing,
            rate=orders.limits.rate,
            slow_share=orders.limits.slow_share,
        )
        self._feeder = Feeder(place.listener, self._spool, self._standing, terms)
        self._feeder.streams = orders.shape.streams(orders.rank)
        self._feeder.when_slow = Herald(orders, self._upstream.dial).tell_of
        self._feeder.when_told = self._upstream.hear_of
        self._meter = Meter(self._spool)
        self._spool.floor, self._spool.pass_on = self._feeder.floor, self._feeder.pass_on
        self._threads: list[threading.Thread] = []

    def run(self, report: Report) -> Outcome:
        self._feeder.start()
        for work in (self._upstream.run, self._consume, self._checker.mend, *[self._checker.check] * self._checkers):
            thread = threading.Thread(target=self._guarded, args=(work,), name=work.__name__.strip("_"), daemon=True)
            thread.start()
            self._threads.append(thread)
        self._watch(report)
        if not self._stop.is_set() and self._spool.broken is None:
            self._linger()
        received = self._upstream.complete_at
        return Outcome(
            reason=self._reason(),
            progress=self._progress(),
            repaired=tuple(self._checker.repaired),
            sources=self._upstream.sources,
            moved=self._standing.why,
            received_after=received and received - self._began,
            written_after=self._written_after,
        )

    def end(self) -> None:
        self._over.set()
        self._sink.interrupt()
        self._spool.fail("stopped")
        self._checker.end(self._checkers)
        self._feeder.stop()
        for thread in self._threads:
            thread.join(timeout=self._timing.stall * 2)  # a write to a dead disk never returns

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            log.exception("a part of the relay failed")
            self._spool.fail(f"{type(error).__name__}: {error}")

    def _watch(self, report: Report) -> None:
        """Until the sink is through and every byte verified, or that will never be."""
        reported, last = 0.0, self._progress()
        while not (self._stop.is_set() or self._spool.broken is not None):
            if self._sunk.wait(LOOK):
                break
            if time.monotonic() - reported >= REPORT and last != (last := self._progress()):
                reported = time.monotonic()
                report(last)
        report(self._progress())

    def _linger(self) -> None:
        """Stay for those who read from here; for a while also for a next one that has not come yet."""
        done = time.monotonic()
        is_last = self._orders.rank == len(self._orders.order) - 1
        while not self._stop.is_set():
            if self._feeder.wait_idle(LOOK):
                self._stop.wait(LOOK / 4)
            waited = time.monotonic() - done
            was_asked = is_last or self._feeder.served or waited >= self._timing.stall
            if waited >= self._orders.limits.linger or (was_asked and self._feeder.is_idle):
                return

    def _consume(self) -> None:
        """Verified chunks into the sink; when that has failed, nowhere, for the others go on reading."""
        finished = False
        try:
            self._sink.open(self._spool.size)
            while (chunk := self._next_chunk()) is not None:
                self._sink.write(chunk)
                del chunk
                self._spool.consumed()
            if self._spool.written == self._spool.manifest.count:
                self._sink.finish()
                finished = True
                self._written_after = time.monotonic() - self._began
        except SinkFailed as failed:
            self._sink_reason = str(failed)
        finally:
            if not finished:
                self._sink.abort()
        while self._next_chunk() is not None:
            self._spool.consumed()
        self._sunk.set()

    def _next_chunk(self) -> memoryview | None:
        """None when there are no more, or when it is over."""
        spool = self._spool
        while spool.written < spool.manifest.count and not self._over.is_set() and spool.broken is None:
            chunk = spool.wait_good(spool.written, self._timing.stall)
            if chunk is not None:
                return chunk
        return None

    def _reason(self) -> str | None:
        """Why this node has failed; None only if it is done."""
        if self._sink_reason is not None:
            return self._sink_reason
        if self._spool.broken is not None:
            return self._spool.broken
        is_done = self._written_after is not None and self._spool.is_verified
        return None if is_done else "stopped before the end"

    def _progress(self) -> Progress:
        spool, sources = self._spool, self._upstream.sources
        written = spool.written * spool.manifest.chunk_size if self._sink_reason is None else 0
        rate, blocked = self._meter.read()
        return Progress(
            received=spool.received,
            verified=spool.verified,
            written=min(spool.size, written),
            source=sources[-1] if sources else "",
            rate=rate,
            rank=self._standing.rank,
            blocked=blocked,
        )
