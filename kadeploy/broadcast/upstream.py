"""The receiving half of a relay: finds a source, takes bytes from it into the spool, finds the next when it fails.

It sends nothing but signs of life, so it is never in the way of who reads from this node.
"""

from __future__ import annotations

import functools
import logging
import secrets
import threading
import time
from collections.abc import Callable

from kadeploy.broadcast.along import Along
from kadeploy.broadcast.heal import Failure, Move, Timing, holds_itself_back, place_of, sources, when_parked
from kadeploy.broadcast.link import Link, LinkLost, Silent, dial
from kadeploy.broadcast.opinion import SecondOpinion
from kadeploy.broadcast.order import HEAD_RANK, Member
from kadeploy.broadcast.precedence import go_first, queued
from kadeploy.broadcast.reception import Reception
from kadeploy.broadcast.spool import MOST_KEPT_BACK, Spool
from kadeploy.broadcast.standing import Standing
from kadeploy.broadcast.wire import MOST_DATA, MOST_HOPS, NONCE_SIZE, Frame, Hello, Kind

log = logging.getLogger(__name__)


class _Lacking(LinkLost):
    """This source no longer has what is wanted."""


class _Elsewhere(Exception):
    """Another source has been found while this one still lives; the argument says why."""


class Upstream:
    """`run` returns when every byte is verified, or when the spool is broken."""

    def __init__(self, reception: Reception, spool: Spool, standing: Standing, stop: threading.Event) -> None:
        self.complete_at: float | None = None  # when the last byte was received
        self._used: list[tuple[int, int]] = []  # (first byte, rank of the source it came from)
        self._is_late = True  # more has come than was taken
        self._reception, self._spool, self._standing, self._stop = reception, spool, standing, stop
        self._timing = Timing(stall=reception.limits.stall)
        self._failures: dict[int, Failure] = {}
        self._wanted: int | None = None  # a nearer source that another one sent us to
        self._began = self._moved = time.monotonic()
        self._why = "no source was tried"
        self._link: Link | None = None  # to the source of now
        self._reads_from: int | None = None  # its rank
        self._given_up: Link | None = None  # its source is slow, and lives
        standing.when_moved.append(self._leave)
        self._next: tuple[int, Link] | None = None  # found while the last one was silent
        self._left: int | None = None  # one that was too slow, just now
        self._ahead = 0.0  # when the source was last known to have as much as this node
        self._doubted: Link | None = None  # for this one, others were asked
        self._opinion = SecondOpinion(self.dial, self._spool, self._give_up, reception.most_to_each)
        self._along = Along(spool)

    def run(self) -> None:
        go_first()
        self._spool.queued = queued()
        while self._spool.received < self._spool.size and not self._is_over():
            found, self._next = self._next or self._find(), None
            if found is None:
                self._stop.wait(self._timing.tick / 4)
                continue
            rank, link = found
            link.gather(self._reception.grain)
            self._link, self._reads_from, self._ahead = link, rank, time.monotonic()
            self._why = f"{self.member(rank).name}: it has none either"
            left, self._left = self._left, None
            try:
                if rank == HEAD_RANK and left not in (None, HEAD_RANK) and self._reception.limits.slow_share:
                    link.tell(Kind.SLOW, value=left)  # the head itself cannot see it
                if self._drain(rank, link):
                    self._stay(link)
            except LinkLost as lost:
                if is_sure := isinstance(lost, Silent) or link is self._given_up:
                    self._left = rank
                why = "it is slow" if link is self._given_up else str(lost)
                self._note(rank, why, sure=is_sure, lacks=isinstance(lost, _Lacking))
            except _Elsewhere as better:
                self._left = rank
                self._note(rank, str(better), sure=rank != HEAD_RANK)
            finally:
                self._link = None
                link.close()

    def hear_of(self, slow: int, by: int) -> None:
        """The node of the rank `slow` is, says the one of the rank `by`, which is before it. It may be the source of
        now, and then another one is better; or this node itself, where it is its source that says so."""
        link = self._link
        if link is None or self._reads_from is None:
            return
        if slow == self._reads_from:
            self._give_up(link)
        elif slow == self._standing.rank and by == self._reads_from:
            self._to_the_end(by)

    def member(self, rank: int) -> Member:
        return self._reception.head if rank == HEAD_RANK else self._reception.order[rank]

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of those that gave bytes, in order."""
        return tuple(self.member(rank).name for _, rank in self._used)

    def source_of(self, offset: int) -> int:
        """The rank of the source that this byte came from."""
        return next((rank for first, rank in reversed(self._used) if first <= offset), HEAD_RANK)

    def dial(
        self, rank: int, offset: int, end: int, *, ranged: bool = False, patient: bool = False, answer: float
    ) -> Link:
        """`patient`: its link may be what is slow. Raises LinkLost."""
        hello = Hello(
            broadcast=self._reception.broadcast,
            nonce=secrets.token_bytes(NONCE_SIZE),
            name=self._reception.me,
            rank=self._standing.rank,
            offset=offset,
            end=end,
            ranged=ranged,
        )
        connect = self._timing.connect(hurries=not (patient or self._standing.is_moved))
        return dial(self.member(rank), hello, self._reception.secret, self._timing, connect=connect, answer=answer)

    def _is_over(self) -> bool:
        quiet = time.monotonic() - self._moved
        if quiet >= self._reception.limits.patience:
            self._spool.fail(f"no bytes for {quiet:.0f} s: {self._why}")
        return self._stop.is_set() or self._spool.broken is not None

    def _find(self, but: int | None = None) -> tuple[int, Link] | None:
        """The first source that answers, best first; failures are remembered."""
        before = self._reception.shape.before(self._standing.rank, len(self._reception.order))
        best = sources(before, self._failures, time.monotonic(), self._timing)
        for rank in best:
            if self._is_over():
                return None
            if rank == but:
                continue
            anew = but is None and (rank == self._wanted or (rank == best[0] and not self._used))
            try:
                link = self.dial(rank, self._spool.received, self._spool.size, answer=self._timing.answer(anew))
            except LinkLost as lost:
                self._note(rank, str(lost), sure=anew)
                continue
            self._wanted = None
            return rank, link
        return None

    def _note(self, rank: int, why: str, *, sure: bool, lacks: bool = False) -> None:
        self._failures[rank] = Failure(at=time.monotonic(), sure=sure, lacks=lacks)
        self._why = f"{self.member(rank).name}: {why}"
        log.info("source %s", self._why)

    def _drain(self, rank: int, link: Link) -> bool:
        """Take all there is; false if another source is better. Raises LinkLost when this one is of no more use."""
        idle = functools.partial(self._idle, rank, link)
        while True:
            frame = link.next_frame(idle, None if self._is_late else self._spool.ready(MOST_DATA))
            match frame.kind:
                case Kind.DATA:
                    self._take(rank, link, frame, idle)
                    self._consider(link, frame)
                case Kind.ALIVE:
                    self._standing.hops = min(frame.hops + 1, MOST_HOPS)
                    self._still_here(link)
                    self._is_ahead(frame.value)
                case Kind.PARKED:
                    self._moved = time.monotonic()  # it lives, and has a reason
                    self._still_here(link)
                    if not self._wait_in_line(link, frame.value):
                        return False
                case Kind.YIELD:
                    self._to_the_end(rank)
                    return False
                case Kind.END if self.complete_at is not None:
                    return True
                case _:
                    raise _Lacking(f"no longer has byte {self._spool.received}")

    def _take(self, rank: int, link: Link, frame: Frame, idle: Callable[[], None]) -> None:
        spool, left = self._spool, frame.length
        if frame.value != spool.received or left > spool.size - spool.received:
            raise LinkLost("it is out of step")
        self._use(rank)
        if frame.value + left + MOST_DATA >= spool.size:
            link.gather(1)  # the last bytes: no more will come to make up the number
        count = link.placed
        while left:
            if not count:
                room = spool.room(left, self._timing.tick)
                if room is None:
                    self._moved = time.monotonic()  # it is not the source that is slow
                    self._still_here(link)
                    self._consider_disk()
                    continue
                count = link.pull(room, idle)
            self._is_late = count >= MOST_KEPT_BACK or link.here() > spool.enough
            spool.advance(count, is_late=self._is_late)
            if not self._is_late:
                self._along.follow()
            left, count = left - count, 0
            if self._stop.is_set():
                raise LinkLost("this node is stopping")
        self._moved = time.monotonic()
        if spool.received == spool.size:
            self.complete_at = self._moved

    def _consider(self, link: Link, frame: Frame) -> None:
        """Whether this source, which is fed by the head, gives what the head could."""
        self._standing.hops = min(frame.hops + 1, MOST_HOPS)
        if frame.hops != 1:
            self._opinion.forget()
        elif self._reception.limits.slow_share:
            self._opinion.watch(link)

    def _consider_disk(self) -> None:
        """Whether those behind this node wait for its disk, the memory being full. At the end nobody does."""
        spool, span = self._spool, time.monotonic() - self._began
        flowing = max(0.001, span - spool.blocked)
        whole = spool.size * flowing / max(1, spool.received)
        share = self._reception.limits.slow_share
        if holds_itself_back(blocked=spool.blocked_by_sink, span=span, whole=whole, share=share):
            self._standing.move("its disk is slower than what comes, and its memory full")

    def _to_the_end(self, source: int) -> None:
        self._standing.move(f"{self.member(source).name} had more for it than it took")

    def _give_up(self, link: Link) -> None:
        self._given_up = link
        link.cut()

    def _leave(self) -> None:
        """This node has moved: its source is another one now."""
        link = self._link
        if link is not None:
            link.cut()

    def _is_ahead(self, position: int) -> None:
        """A source that was away, or has moved, may have less than this node: then another one is better. But whoever
        has moved to the end itself waits for it."""
        if position >= self._spool.received or self._standing.is_moved:
            self._ahead = time.monotonic()
        elif time.monotonic() - self._ahead >= self._timing.suspect:
            raise LinkLost("it is behind this node")

    def _idle(self, rank: int, link: Link) -> None:
        """Nothing comes. It may only be slow, so it is left only for one that answers."""
        self._still_here(link)
        if time.monotonic() - link.heard >= self._timing.suspect and link is not self._doubted:
            self._doubted = link
            self._next = self._find(but=rank)
            if self._next is not None:
                raise _Elsewhere(f"silent for {self._timing.suspect:g} s")

    def _use(self, rank: int) -> None:
        if not self._used or self._used[-1][1] != rank:
            self._used.append((self._spool.received, rank))

    def _wait_in_line(self, link: Link, fed: int) -> bool:
        """Whether to stay in line behind the reader of rank `fed`."""
        place = place_of(fed)
        if not 0 <= place < len(self._reception.order):
            return True  # it came late: this node's orders do not know it
        match when_parked(self._standing.rank, fed, self._failures):
            case Move.NEARER:
                self._failures.pop(place, None)
                self._wanted = place
                return False
            case Move.LAST:
                self._standing.move("the others went on without it")
                return False
            case Move.INSIST:
                link.tell(Kind.INSIST)
            case Move.WAIT:
                pass
        return True

    def _still_here(self, link: Link) -> None:
        self._spool.flush()
        if self._is_over():
            raise LinkLost("this node is stopping")
        link.tell(Kind.ALIVE, value=self._spool.received)

    def _stay(self, link: Link) -> None:
        """All is received, not all is verified: a chunk may have to be fetched again, perhaps by a reader of ours."""
        while not self._spool.wait_verified(self._timing.tick):
            self._still_here(link)
        link.tell(Kind.BYE)
