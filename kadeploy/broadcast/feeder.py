"""Gives bytes to whoever may have them: the head's whole job, and half of a relay's.

A thread a reader. A reader can only take: nothing it says changes what others get, except that the
furthest one is fed first, and that one which is held back by another is fed before that one.
"""

from __future__ import annotations

import functools
import itertools
import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from kadeploy.broadcast.allowance import UNLIMITED, Allowance
from kadeploy.broadcast.door import Door
from kadeploy.broadcast.heal import Claim, Timing, ahead_of, floor
from kadeploy.broadcast.link import Link, LinkLost
from kadeploy.broadcast.order import MOVED
from kadeploy.broadcast.pace import Look, Pace
from kadeploy.broadcast.precedence import go_first
from kadeploy.broadcast.reader import Reader, Shelf
from kadeploy.broadcast.spool import Gone
from kadeploy.broadcast.standing import Standing
from kadeploy.broadcast.wire import Hello, Kind

log = logging.getLogger(__name__)
LOOKS = 16  # in a tick, at what one who waits in line may say
SAME_FAULT = 10.0  # seconds in which two readers that are slow are one slow source


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """`rate`: bytes a second to all readers, 0 for no limit; `allowance`: of all feeders that share it.
    A reader that is slower than what comes by more than `slow_share` is told to go to the end; 0: none is."""

    broadcast: bytes
    secret: bytes
    timing: Timing
    rate: int = 0
    allowance: Allowance = UNLIMITED
    slow_share: float = 0.0


class Feeder:
    """Owns the listening socket from `start` to `stop`."""

    def __init__(self, listener: socket.socket, shelf: Shelf, standing: Standing, terms: Terms) -> None:
        self._shelf, self._standing, self._terms, self._timing = shelf, standing, terms, terms.timing
        self._served: dict[str, int] = {}  # bytes given to those that have left, by name
        self.streams = 1  # readers fed at once
        self._keys = itertools.count()
        self._readers: dict[int, Reader] = {}
        self._yielded: dict[str, float] = {}  # who was told to go to the end, and when
        self._changed = threading.Condition()
        self._stopping = False
        self._own = Allowance(terms.rate)
        self.when_slow: Callable[[int], object] = _nobody  # the reader of this rank is
        self.when_told: Callable[[int, int], object] = _nobody  # that the node of a rank is slow, by one before it
        self._door = Door(listener, terms.broadcast, terms.secret, terms.timing, self._welcome)
        standing.when_moved.append(self._cut_those_before)

    @property
    def _paces(self) -> list[Allowance]:
        """Those that count now: what all may send together can be limited while this one sends."""
        return [one for one in (self._own, self._terms.allowance) if one.is_limited]

    def start(self) -> None:
        self._door.open()

    def stop(self) -> None:
        """Cut every connection; returns when nobody is listened to any more."""
        with self._changed:
            self._stopping = True
            for reader in self._readers.values():
                reader.link.cut()
            self._changed.notify_all()
        self._door.close()
        with self._changed:  # what they read from may be closed after this
            self._changed.wait_for(lambda: not self._readers, self._timing.stall)

    @property
    def served(self) -> dict[str, int]:
        """Bytes given, by the reader's name."""
        with self._changed:
            served = dict(self._served)
            for reader in self._readers.values():
                served[reader.hello.name] = served.get(reader.hello.name, 0) + reader.given
        return {name: given for name, given in served.items() if given}

    @property
    def is_idle(self) -> bool:
        """Nobody is reading."""
        return not self._readers

    def wait_idle(self, timeout: float) -> bool:
        """Whether nobody is reading, within so many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._readers, timeout)

    def floor(self) -> int | None:
        """The lowest byte that must be kept for readers, but not for one that has moved to the end or was told to: what
        it no longer finds here, the head has. One that takes nothing for long is cut."""
        now = time.monotonic()
        with self._changed:
            claims = [reader.claim for reader in self._readers.values()]
            fed = [one for one in self._readers.values() if self._before(one, claims) is None and not one.is_to_yield]
            for reader in fed:
                if now - reader.moved >= self._timing.hold:
                    reader.link.cut()
            kept = ((one.position, now - one.moved) for one in fed if one.is_kept_for)
            return floor(kept, self._timing)

    def pass_on(self) -> bool:
        """New bytes are here: give them to those who wait for them. False if one must be woken for it."""
        is_done = True
        for reader in tuple(self._readers.values()):
            if reader.is_waiting and not reader.offer():
                is_done = False
        return is_done

    def _welcome(self, link: Link, hello: Hello) -> None:
        go_first()
        reader = Reader(next(self._keys), link, hello, self._shelf, self._standing, self._timing.suspect)
        try:
            with self._changed:
                self._readers[reader.key] = reader
                if self._stopping or hello.end > self._shelf.size:
                    raise LinkLost("stopping, or more is wanted than there is")
                if not hello.ranged and not self._standing.may_feed(hello.rank):
                    raise LinkLost("it is not after this node any more")
                reader.is_to_yield = hello.name in self._yielded and not hello.ranged and hello.rank < MOVED
                self._changed.notify_all()
            self._serve(reader)
            while not reader.is_through:
                self._hear(reader, wait=True)
        except LinkLost as lost:
            log.info("reader %s left: %s", hello.name, lost)
        finally:
            with self._changed:
                self._readers.pop(reader.key, None)
                self._served[hello.name] = self._served.get(hello.name, 0) + reader.given
                self._changed.notify_all()
            link.close()
            self._shelf.moved()

    def _serve(self, reader: Reader) -> None:
        link, end = reader.link, reader.hello.end
        pace = Pace(self._terms.slow_share, self._shelf.size)
        while not reader.is_served:
            first = self._who_is_first(reader)
            if first is not None:
                self._park(reader, first)
                continue
            if reader.is_to_yield and not reader.has_yielded:
                self._end_of_chain(reader)
            position = reader.position
            try:
                count = self._await(reader, position)
            except Gone as gone:
                with reader.turn:
                    if not reader.is_owed:
                        link.tell(Kind.GONE, value=gone.args[0])
                return
            if count:
                count = self._allowed(reader, count)
            with reader.turn:
                if reader.is_owed or (count and reader.position == position):
                    reader.give(count, functools.partial(self._watch, reader, pace))
                    self._judge(reader, pace)
                elif reader.position == position:
                    reader.moved = time.monotonic()
                    link.tell(Kind.ALIVE, value=self._shelf.position, hops=self._standing.hops)
            self._hear(reader)
            self._shelf.moved()
        link.tell(Kind.END, value=end)
        with self._changed:
            self._changed.notify_all()  # the next in line

    def _await(self, reader: Reader, position: int) -> int:
        """How many bytes there are for it; meanwhile whoever receives some may send them on at once."""
        reader.is_waiting = not (reader.hello.ranged or self._paces)
        try:
            verified, tick = reader.hello.ranged, self._timing.tick
            return self._shelf.wait(position, reader.hello.end, verified=verified, timeout=tick)
        finally:
            reader.is_waiting = False

    def _allowed(self, reader: Reader, count: int) -> int:
        """How many of these bytes may be sent in one go, when they may."""
        paces, began = self._paces, time.monotonic()
        count = min(count, reader.most, *(allowance.burst() for allowance in paces))
        for allowance in paces:
            allowance.take(self._terms.broadcast if allowance is self._terms.allowance else reader.key, count)
        if paces:
            reader.withheld += time.monotonic() - began
        return count

    def _watch(self, reader: Reader, pace: Pace) -> None:
        """While it takes nothing."""
        self._hear(reader)
        self._judge(reader, pace)

    def _judge(self, reader: Reader, pace: Pace) -> None:
        """A reader that holds back those behind it goes to the end; when the next one is as slow, this node does."""
        shelf, standing, name = self._shelf, self._standing, reader.hello.name
        is_exempt = reader.hello.ranged or reader.insists or reader.is_to_yield or reader.hello.rank >= MOVED
        if is_exempt or standing.is_moved or not self._terms.slow_share:
            return
        now = time.monotonic()
        if not pace.is_due(now):
            return
        held, taken = self._held(reader), reader.position - reader.link.under_way()
        look = Look(now, shelf.position, taken, shelf.blocked, held, shelf.waited, reader.withheld)
        if pace.is_holding_back(look):
            log.info("reader %s is slow: %s", name, pace.said)
            just_before = [one for one, at in self._yielded.items() if one != name and now - at < SAME_FAULT]
            if just_before:
                standing.move(f"it was slow to give to {name}, and to {just_before[-1]} just before")
                return
            self._yielded[name] = now
            reader.is_to_yield = True
            self.when_slow(reader.hello.rank)

    def _held(self, reader: Reader) -> float:
        """For how many seconds in all this reader has kept others waiting for memory."""
        with self._changed:
            lowest = min((one.position for one in self._readers.values() if one.is_kept_for), default=None)
        reader.note_held(self._shelf.held, is_lowest=reader.position == lowest)
        return reader.held

    def _end_of_chain(self, reader: Reader) -> None:
        """Tell it where to go. It may be fed until it does."""
        log.info("reader %s holds back those behind it: to the end", reader.hello.name)
        with reader.turn:
            if reader.is_owed:
                reader.give(0, functools.partial(self._hear, reader))
            reader.link.tell(Kind.YIELD)
        reader.has_yielded = True

    def _before(self, reader: Reader, claims: list[Claim]) -> int | None:
        return ahead_of(reader.claim, claims, self.streams)

    def _who_is_first(self, reader: Reader) -> int | None:
        with self._changed:
            if len(self._readers) <= self.streams:
                return None
            return self._before(reader, [other.claim for other in self._readers.values()])

    def _park(self, reader: Reader, first: int) -> None:
        with reader.turn:
            if reader.is_owed:
                reader.give(0, functools.partial(self._hear, reader))
            reader.link.tell(Kind.YIELD if reader.is_to_yield else Kind.PARKED, value=first)
        for _ in range(LOOKS):
            with self._changed:
                is_news = self._changed.wait(self._timing.tick / LOOKS)
            if self._hear(reader) or is_news:
                return

    def _hear(self, reader: Reader, *, wait: bool = False) -> bool:
        """Whether the reader has said something but that it lives."""
        said = reader.link.listen(wait=wait)
        for frame in said:
            if frame.kind is Kind.INSIST:
                reader.insists = True
            elif frame.kind is Kind.BYE:
                reader.is_through = True
            elif frame.kind is Kind.SLOW:
                self._demote(frame.value)
                if reader.hello.rank < frame.value:
                    self.when_told(frame.value, reader.hello.rank)
        return any(frame.kind is not Kind.ALIVE for frame in said)

    def _demote(self, rank: int) -> None:
        with self._changed:
            for reader in self._readers.values():
                if reader.hello.rank == rank and not reader.hello.ranged:
                    reader.is_to_yield = True
            self._changed.notify_all()

    def _cut_those_before(self) -> None:
        """This node has moved: who now stands before it must read from another."""
        with self._changed:
            for reader in self._readers.values():
                if not reader.hello.ranged and not self._standing.may_feed(reader.hello.rank):
                    reader.link.cut()


def _nobody(*ranks: int) -> None: ...
