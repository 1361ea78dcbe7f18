"""One who reads from a feeder: how far it is, and the frame that is on its way to it.

Bytes go to it in one of two ways: whoever has just received them sends them on at once, as far as its connection
takes them (`offer`); the reader's own thread does the rest and all that waits (`give`). Measured, on links of 200
Mbit/s: a wake-up of another thread for every arrival costs more processor time than receiving, checking and sending.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Protocol

from kadeploy.broadcast import wire
from kadeploy.broadcast.heal import Claim, is_kept_for
from kadeploy.broadcast.link import Link, LinkLost
from kadeploy.broadcast.standing import Standing
from kadeploy.broadcast.wire import MOST_DATA, Hello

LEAST_DATA = 64 << 10
LONG_FRAME = 0.1  # seconds
LONG_STEP = 0.02  # seconds


class Shelf(Protocol):
    """Where the bytes are: a relay's spool, the head's file."""

    @property
    def size(self) -> int: ...

    @property
    def position(self) -> int:
        """How far it has come, in bytes."""
        ...

    @property
    def blocked(self) -> float:
        """For how many seconds in all it had no room for more."""
        ...

    @property
    def held(self) -> float:
        """And of these, because of what readers had not taken."""
        ...

    @property
    def waited(self) -> float:
        """For how many seconds in all what fills it waited for a processor."""
        ...

    def wait(self, offset: int, end: int, *, verified: bool, timeout: float) -> int:
        """How many bytes from `offset` can be had; 0 if none came in time. Raises Gone."""
        ...

    def send(self, sock: socket.socket, head: bytes, offset: int, count: int, flags: int = 0) -> int:
        """Send some of `head` and of these bytes behind it. Raises LinkLost, OSError."""
        ...

    def moved(self) -> None:
        """A reader went on, or away."""
        ...


class Reader:
    def __init__(self, key: int, link: Link, hello: Hello, shelf: Shelf, standing: Standing, suspect: float) -> None:
        """After `suspect` seconds without taking anything it is not waited for."""
        self.key, self.link, self.hello = key, link, hello
        self.position = hello.offset  # given so far
        self.moved = time.monotonic()
        self.insists = False
        self.is_through = False
        self.is_to_yield = False  # it is to be told to go to the end
        self.has_yielded = False  # it was told
        self.is_waiting = False  # its thread waits for bytes: they may be offered
        self.held = 0.0  # seconds in all for which others had to wait until it had taken what was kept for it
        self.withheld = 0.0  # seconds in all for which its source might not send it more
        self._held_before = shelf.held
        self.turn = threading.Lock()  # who writes to the connection
        self._shelf, self._standing, self._suspect = shelf, standing, suspect
        self.most = LEAST_DATA  # bytes in a frame: fewer for a slow one, which is to be told things in time
        self._head = b""  # of the frame on its way, what is not sent yet
        self._owed = 0  # and so many bytes

    @property
    def given(self) -> int:
        return self.position - self.hello.offset

    @property
    def is_owed(self) -> bool:
        """A frame is on its way."""
        return self._owed > 0

    @property
    def is_served(self) -> bool:
        return self.position >= self.hello.end and not self._owed

    @property
    def is_kept_for(self) -> bool:
        return is_kept_for(self.hello.rank, is_to_yield=self.is_to_yield)

    @property
    def claim(self) -> Claim:
        return Claim(
            key=self.key,
            rank=self.hello.rank,
            position=self.position,
            end=self.hello.end,
            ranged=self.hello.ranged,
            insists=self.insists,
            slow=self.is_to_yield or (self._owed > 0 and time.monotonic() - self.moved >= self._suspect),
        )

    def note_held(self, held: float, *, is_lowest: bool) -> None:
        """`held`: of the shelf, by all readers; it is the one that has taken least that makes others wait."""
        if is_lowest:
            self.held += held - self._held_before
        self._held_before = held

    def offer(self) -> bool:
        """Send what has come, without waiting. False: the reader's thread must go on."""
        if not self.turn.acquire(blocking=False):
            return False
        try:
            if not self._owed:
                self._begin(min(self._shelf.position, self.hello.end) - self.position)
            while self._owed > 0:
                self._step(socket.MSG_DONTWAIT)
        except (OSError, LinkLost):
            return False  # full, or lost: its thread will see which
        finally:
            self.turn.release()
        self.moved = self.link.heard = time.monotonic()
        return self.position < self.hello.end

    def give(self, count: int, waited: Callable[[], object]) -> None:
        """By the reader's thread, in its turn: so many bytes, or those that are owed. `waited` is called now and then
        while it takes long. Raises LinkLost."""
        began = time.monotonic()
        if not self._owed:
            self._begin(min(count, self.most))
        while self._owed:
            before = time.monotonic()
            self.link.push(self._step, waited)
            self.moved = time.monotonic()
            if self.moved - before >= LONG_STEP:
                waited()
        took = time.monotonic() - began
        if took > LONG_FRAME:
            self.most = max(LEAST_DATA, self.most // 2)
        elif took < LONG_FRAME / 4:
            self.most = min(MOST_DATA, self.most * 2)

    def _begin(self, count: int) -> None:
        self._owed = max(0, min(count, MOST_DATA))
        self._head = wire.data_head(self.position, self._owed, self._standing.hops)

    def _step(self, flags: int = 0) -> int:
        sent = self._shelf.send(self.link.sock, self._head, self.position, self._owed, flags)
        head = min(sent, len(self._head))
        self._head = self._head[head:]
        self.position += sent - head
        self._owed -= sent - head
        return sent
