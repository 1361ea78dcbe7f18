"""Gives bytes to whoever may have them: the head's whole job, and half of a relay's.

A thread a reader. A reader can only take: nothing it says changes what others get, except that the
furthest one is fed first. Strangers are many at most and short-lived.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Protocol

from kadeploy.broadcast.heal import Claim, Timing, ahead_of, floor
from kadeploy.broadcast.link import Link, LinkLost, greet
from kadeploy.broadcast.spool import Gone
from kadeploy.broadcast.wire import MOST_DATA, Hello, Kind

log = logging.getLogger(__name__)
MOST_STRANGERS = 64


class Shelf(Protocol):
    """Where the bytes are: a relay's spool, the head's file."""

    @property
    def size(self) -> int: ...

    @property
    def position(self) -> int:
        """How far it has come, in bytes."""
        ...

    def wait(self, offset: int, end: int, *, verified: bool, timeout: float) -> int:
        """How many bytes from `offset` can be had; 0 if none came in time. Raises Gone."""
        ...

    def send(self, sock: socket.socket, offset: int, count: int) -> int:
        """Send some of these bytes (a blocking call of the socket). Raises LinkLost, OSError."""
        ...

    def moved(self) -> None:
        """A reader went on, or away."""
        ...


@dataclass(slots=True, eq=False)
class _Reader:
    key: int
    link: Link
    hello: Hello
    position: int
    moved: float = field(default_factory=time.monotonic)
    insists: bool = False
    is_through: bool = False

    @property
    def claim(self) -> Claim:
        return Claim(
            key=self.key,
            rank=self.hello.rank,
            position=self.position,
            end=self.hello.end,
            ranged=self.hello.ranged,
            insists=self.insists,
        )


class Feeder:
    """Owns the listening socket from `start` to `stop`."""

    def __init__(
        self,
        listener: socket.socket,
        shelf: Shelf,
        *,
        broadcast: bytes,
        secret: bytes,
        timing: Timing,
        rate: int | None = None,
    ) -> None:
        """`rate` limits each connection, in bytes a second (paced by the kernel)."""
        self.served: dict[str, int] = {}  # bytes given, by the reader's name
        self._listener, self._shelf, self._timing, self._rate = listener, shelf, timing, rate
        self._broadcast, self._secret = broadcast, secret
        self._keys = itertools.count()
        self._readers: dict[int, _Reader] = {}
        self._strangers: set[socket.socket] = set()
        self._changed = threading.Condition()
        self._stopping = False
        self._accepting = threading.Thread(target=self._accept, name="feeder", daemon=True)

    def start(self) -> None:
        self._accepting.start()

    def stop(self) -> None:
        """Cut every connection; returns when nobody is listened to any more."""
        with self._changed:
            self._stopping = True
            for reader in self._readers.values():
                reader.link.cut()
            for stranger in self._strangers:
                with contextlib.suppress(OSError):
                    stranger.shutdown(socket.SHUT_RDWR)
            self._changed.notify_all()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes `accept`, which closing would not
        if self._accepting.is_alive():
            self._accepting.join()
        self._listener.close()
        with self._changed:  # what they read from may be closed after this
            self._changed.wait_for(lambda: not self._readers and not self._strangers, self._timing.stall)

    @property
    def is_idle(self) -> bool:
        """Nobody is reading."""
        return not self._readers

    def floor(self) -> int | None:
        """The lowest byte that must be kept for readers. One that takes nothing for long is cut."""
        now = time.monotonic()
        with self._changed:
            claims = [reader.claim for reader in self._readers.values()]
            fed = [one for one in self._readers.values() if ahead_of(one.claim, claims) is None]
            for reader in fed:
                if now - reader.moved >= self._timing.hold:
                    reader.link.cut()
            return floor(((reader.position, now - reader.moved) for reader in fed), self._timing)

    def _accept(self) -> None:
        while not self._stopping:
            try:
                sock, _ = self._listener.accept()
            except OSError as error:
                if not self._stopping:
                    log.warning("cannot accept a reader: %s", error)
                    time.sleep(self._timing.tick)  # out of descriptors: spinning would not help
                continue
            with self._changed:
                if self._stopping or len(self._strangers) >= MOST_STRANGERS:
                    sock.close()
                    continue
                self._strangers.add(sock)
            threading.Thread(target=self._meet, args=(sock,), name="reader", daemon=True).start()

    def _meet(self, sock: socket.socket) -> None:
        reader = None
        try:
            link, hello = greet(sock, self._broadcast, self._secret, self._timing)
            if self._rate:
                sock.setsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE, self._rate)
            reader = _Reader(next(self._keys), link, hello, hello.offset)
            with self._changed:
                self._readers[reader.key] = reader
                self._strangers.discard(sock)
                if self._stopping or hello.end > self._shelf.size:
                    raise LinkLost("stopping, or more is wanted than there is")
                self._changed.notify_all()
            self._serve(reader)
            while not reader.is_through:
                self._hear(reader, wait=True)
        except LinkLost as lost:
            log.info("reader %s left: %s", reader.hello.name if reader else "(stranger)", lost)
        finally:
            with self._changed:
                self._strangers.discard(sock)
                if reader:
                    self._readers.pop(reader.key, None)
                self._changed.notify_all()
            sock.close()
            self._shelf.moved()

    def _serve(self, reader: _Reader) -> None:
        link, end = reader.link, reader.hello.end
        while reader.position < end:
            first = self._who_is_first(reader)
            if first is not None:
                self._park(reader, first)
                continue
            try:
                count = self._shelf.wait(reader.position, end, verified=reader.hello.ranged, timeout=self._timing.tick)
            except Gone as gone:
                link.tell(Kind.GONE, value=gone.args[0])
                return
            if count:
                self._give(reader, min(count, MOST_DATA))
            else:
                reader.moved = time.monotonic()
                link.tell(Kind.ALIVE, value=self._shelf.position)
                self._hear(reader)
        link.tell(Kind.END, value=end)
        with self._changed:
            self._changed.notify_all()  # the next in line

    def _give(self, reader: _Reader, count: int) -> None:
        start, sock, send = reader.position, reader.link.sock, self._shelf.send
        reader.link.tell(Kind.DATA, length=count, value=start)
        reader.link.push(lambda done: send(sock, start + done, count - done), count, lambda: self._hear(reader))
        reader.position += count
        reader.moved = time.monotonic()
        name = reader.hello.name
        with self._changed:
            self.served[name] = self.served.get(name, 0) + count
        self._shelf.moved()

    def _who_is_first(self, reader: _Reader) -> int | None:
        with self._changed:
            if len(self._readers) == 1:
                return None
            return ahead_of(reader.claim, [other.claim for other in self._readers.values()])

    def _park(self, reader: _Reader, first: int) -> None:
        reader.link.tell(Kind.PARKED, value=first)
        with self._changed:
            self._changed.wait(self._timing.tick)
        self._hear(reader)

    def _hear(self, reader: _Reader, *, wait: bool = False) -> None:
        for frame in reader.link.listen(wait=wait):
            if frame.kind is Kind.INSIST:
                reader.insists = True
            elif frame.kind is Kind.BYE:
                reader.is_through = True


SO_MAX_PACING_RATE = 47  # socket(7); Python has no name for it
