"""The image, or a window of it, in memory: where the receiver, checkers, readers and the sink meet.

Anonymous memory, one slot a chunk, slots used again when all are taken. Measured, in processor seconds a
GiB received and sent on: slots used again 0.9, a memfd with splice 1.3 (allocating its pages is what
costs), no memory at all 0.6. Fresh memory costs 0.5 more; in huge pages up to 1.5 in a virtual machine.
"""

from __future__ import annotations

import mmap
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue
from typing import NamedTuple

from kadeploy.broadcast.digests import Digest
from kadeploy.broadcast.manifest import Manifest
from kadeploy.broadcast.precedence import NOWHERE_QUEUED
from kadeploy.broadcast.wire import FRAME_SIZE

FEWEST_SLOTS = 4
MOST_KEPT_BACK = 128 << 10  # bytes: a connection takes that many at once


class Gone(Exception):
    """These bytes are no longer in memory; the argument is the first offset that is."""


class Unchecked(NamedTuple):
    """A chunk to be checked: `digest` has seen its first `done` bytes. Where it is negative, there are no more."""

    chunk: int
    digest: Digest | None = None
    done: int = 0


class Spool:
    """Bytes come in order, without a gap, from whatever source; they leave when written and when readers have them."""

    def __init__(self, manifest: Manifest, limit: int) -> None:
        """Keeps at most `limit` bytes (but a few chunks at least); all of the image when it fits."""
        self.manifest = manifest
        self.received = 0  # bytes, contiguous
        self.verified = 0  # bytes, in any order
        self.written = 0  # chunks the sink is through with, in order
        self.base = 0  # the first chunk kept
        self.grain = 1  # fewer new bytes than that are kept back until more come
        self._kept_back = 0
        self.broken: str | None = None
        self.blocked = 0.0  # seconds in all without room for more
        self.blocked_by_sink = 0.0  # of these, because of the sink and not of readers
        self.queued = NOWHERE_QUEUED  # how long the thread that receives has waited for a processor
        self.unchecked: SimpleQueue[Unchecked] = SimpleQueue()  # chunks complete, not yet verified
        self.complete: Callable[[int], object] = lambda index: self.unchecked.put(Unchecked(index))
        self.bad: SimpleQueue[int] = SimpleQueue()
        self.floor: Callable[[], int | None] = lambda: None  # lowest offset readers need
        self.pass_on: Callable[[], bool] = lambda: False  # give new bytes to readers; False: wake those that wait
        count = min(manifest.count, max(FEWEST_SLOTS, limit // manifest.chunk_size))
        self._memory = mmap.mmap(-1, max(1, count * manifest.chunk_size), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._view = memoryview(self._memory)
        self._step, self._size = manifest.chunk_size, manifest.size
        self._filling = -1, self._view  # the chunk that bytes go into, and its memory
        self._free = list(range(count))
        self._slots: dict[int, int] = {}
        self._good = bytearray(manifest.count)
        self._is_window = count < manifest.count
        lock = threading.Lock()
        self._arrived = threading.Condition(lock)
        self._settled = threading.Condition(lock)
        self._room = threading.Condition(lock)

    @property
    def size(self) -> int:
        return self.manifest.size

    @property
    def is_verified(self) -> bool:
        return self.verified == self.size

    def room(self, most: int, timeout: float) -> memoryview | None:
        """Where the next bytes go, at most `most` of them; None if nothing could be let go within `timeout` seconds."""
        index, into = divmod(self.received, self._step)
        if index != self._filling[0]:
            with self._room:
                if not self._take_slot(index):
                    self._wait_for_room(timeout)
                    if not self._take_slot(index):
                        return None
            self._filling = index, self.chunk(index)
        return self._filling[1][into : into + most]

    def ready(self, most: int) -> memoryview | None:
        """The same, at most what is left of a chunk that has memory already; None if there is no such chunk."""
        index, into = divmod(self.received, self._step)
        if index != self._filling[0] or not into:
            return None
        return self._filling[1][into : into + most]

    def _wait_for_room(self, timeout: float) -> None:
        began, is_sink = time.monotonic(), self.base == self.written
        self._room.wait(timeout)
        waited = time.monotonic() - began
        self.blocked += waited
        if is_sink:
            self.blocked_by_sink += waited

    def _take_slot(self, index: int) -> bool:
        if not self._free and self.base < self.written:
            needed = self.floor()
            if needed is None or needed >= (self.base + 1) * self.manifest.chunk_size:
                self._free.append(self._slots.pop(self.base))
                self.base += 1
        if self._free:
            self._slots[index] = self._free.pop()
        return index in self._slots

    @property
    def enough(self) -> int:
        """Where more bytes have come than that, and were not taken yet, they are worth a wake-up themselves."""
        return self.grain + FRAME_SIZE

    def advance(self, count: int, *, is_late: bool = False) -> None:
        """So many bytes were put where `room` said. They are passed on when they are worth a wake-up; where those that
        wait are, too, with these: so a machine that is late has less to do, not the same later."""
        self.received += count
        self._kept_back += count
        is_chunk_done = self.received % self._step == 0 or self.received == self._size
        if is_chunk_done or (self._kept_back >= self.grain and (self._kept_back >= MOST_KEPT_BACK or not is_late)):
            self._kept_back = 0
            if not self.pass_on():
                with self._arrived:
                    self._arrived.notify_all()
        if is_chunk_done:
            self.complete((self.received - 1) // self._step)

    def flush(self) -> None:
        """Pass on what was kept back."""
        if self._kept_back:
            self._kept_back = 0
            if not self.pass_on():
                with self._arrived:
                    self._arrived.notify_all()

    def chunk(self, index: int) -> memoryview:
        """The bytes of a chunk that is kept."""
        start, length = self._slots[index] * self.manifest.chunk_size, self.manifest.span(index)[1]
        return self._view[start : start + length]

    def settle(self, index: int) -> None:
        """The chunk is what the manifest says."""
        with self._settled:
            self._good[index] = 1
            self.verified += self.manifest.span(index)[1]
            self._settled.notify_all()

    def wait_good(self, index: int, timeout: float) -> memoryview | None:
        """The verified bytes of a chunk; None if they are not there within `timeout` seconds."""
        with self._settled:
            if not self._good[index] and self.broken is None:
                self._settled.wait(timeout)
            return self.chunk(index) if self._good[index] else None

    def wait_verified(self, timeout: float) -> bool:
        with self._settled:
            if not self.is_verified and self.broken is None:
                self._settled.wait(timeout)
        return self.is_verified

    def consumed(self) -> None:
        """The sink is through with the next chunk."""
        with self._room:
            self.written += 1
            self._room.notify_all()

    def moved(self) -> None:
        """A reader went on or away: what it needed may be let go."""
        if self._is_window:
            with self._room:
                self._room.notify_all()

    def fail(self, reason: str) -> None:
        """Give up: the first reason counts, and everybody who waits wakes."""
        with self._arrived:
            self.broken = self.broken or reason
            for condition in (self._arrived, self._settled, self._room):
                condition.notify_all()

    # What a feeder asks of a shelf.

    @property
    def position(self) -> int:
        return self.received

    @property
    def held(self) -> float:
        return self.blocked - self.blocked_by_sink

    @property
    def waited(self) -> float:
        return self.queued.seconds()

    def wait(self, offset: int, end: int, *, verified: bool, timeout: float) -> int:
        """How many bytes from `offset` can be had (within one chunk when verified); 0 if none came. Raises Gone."""
        if verified:
            return self._wait_verified_range(offset, end, timeout)
        with self._arrived:
            if self.received <= offset and self.broken is None:
                self._arrived.wait(timeout)
            self._check_kept(offset)
            return max(0, min(self.received, end) - offset)

    def _wait_verified_range(self, offset: int, end: int, timeout: float) -> int:
        index = offset // self.manifest.chunk_size
        with self._settled:
            self._check_kept(offset)
            if not self._good[index] and self.broken is None:
                self._settled.wait(timeout)
            self._check_kept(offset)
            start, length = self.manifest.span(index)
            return min(end, start + length) - offset if self._good[index] else 0

    def _check_kept(self, offset: int) -> None:
        if offset < self.base * self.manifest.chunk_size:
            raise Gone(self.base * self.manifest.chunk_size)

    def view(self, offset: int, most: int) -> memoryview:
        """Bytes from `offset`, at most `most`, not past the end of their chunk."""
        index, into = divmod(offset, self._step)
        filling, chunk = self._filling
        return (chunk if index == filling else self.chunk(index))[into : into + most]
