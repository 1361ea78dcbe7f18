"""The receiving half of a relay: finds a source, takes bytes from it into the spool, finds the next when it fails.

It sends nothing but signs of life, so it is never in the way of who reads from this node.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time

from kadeploy.broadcast.heal import Failure, Move, Timing, sources, when_parked
from kadeploy.broadcast.link import Link, LinkLost, Silent, dial
from kadeploy.broadcast.order import HEAD_RANK, Member
from kadeploy.broadcast.reception import Reception
from kadeploy.broadcast.spool import Spool
from kadeploy.broadcast.wire import NONCE_SIZE, Frame, Hello, Kind

log = logging.getLogger(__name__)


class Upstream:
    """`run` returns when every byte is verified, or when the spool is broken."""

    def __init__(self, reception: Reception, spool: Spool, stop: threading.Event) -> None:
        self.complete_at: float | None = None  # when the last byte was received
        self._used: list[tuple[int, int]] = []  # (first byte, rank of the source it came from)
        self._reception, self._spool, self._stop = reception, spool, stop
        self._timing = Timing(stall=reception.stall)
        self._failures: dict[int, Failure] = {}
        self._wanted: int | None = None  # a nearer source that another one sent us to
        self._moved = time.monotonic()
        self._why = "no source was tried"

    def run(self) -> None:
        while self._spool.received < self._spool.size and not self._is_over():
            found = self._find()
            if found is None:
                self._stop.wait(self._timing.tick / 4)
                continue
            rank, link = found
            self._why = f"{self.member(rank).name}: it has none either"
            try:
                if self._drain(rank, link):
                    self._stay(link)
            except LinkLost as lost:
                self._note(rank, str(lost), sure=isinstance(lost, Silent))
            finally:
                link.close()

    def member(self, rank: int) -> Member:
        return self._reception.head if rank == HEAD_RANK else self._reception.order[rank]

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of those that gave bytes, in order."""
        return tuple(self.member(rank).name for _, rank in self._used)

    def source_of(self, offset: int) -> int:
        """The rank of the source that this byte came from."""
        return next((rank for first, rank in reversed(self._used) if first <= offset), HEAD_RANK)

    def dial(self, rank: int, offset: int, end: int, *, ranged: bool = False, answer: float) -> Link:
        """Raises LinkLost."""
        hello = Hello(
            broadcast=self._reception.broadcast,
            nonce=secrets.token_bytes(NONCE_SIZE),
            name=self._reception.me,
            rank=self._reception.rank,
            offset=offset,
            end=end,
            ranged=ranged,
        )
        return dial(self.member(rank), hello, self._reception.secret, self._timing, answer)

    def _is_over(self) -> bool:
        quiet = time.monotonic() - self._moved
        if quiet >= self._reception.patience:
            self._spool.fail(f"no bytes for {quiet:.0f} s: {self._why}")
        return self._stop.is_set() or self._spool.broken is not None

    def _find(self) -> tuple[int, Link] | None:
        """The first source that answers, best first; failures are remembered."""
        best = sources(self._reception.rank, self._failures, time.monotonic(), self._timing)
        for rank in best:
            if self._is_over():
                return None
            anew = rank == self._wanted or (rank == best[0] and not self._used)
            try:
                link = self.dial(rank, self._spool.received, self._spool.size, answer=self._timing.answer(anew))
            except LinkLost as lost:
                self._note(rank, str(lost), sure=anew)
                continue
            self._wanted = None
            return rank, link
        return None

    def _note(self, rank: int, why: str, *, sure: bool) -> None:
        self._failures[rank] = Failure(at=time.monotonic(), sure=sure)
        self._why = f"{self.member(rank).name}: {why}"
        log.info("source %s", self._why)

    def _drain(self, rank: int, link: Link) -> bool:
        """Take all there is; false if another source is better. Raises LinkLost when this one is of no more use."""
        while True:
            frame = link.next_frame(lambda: self._still_here(link))
            match frame.kind:
                case Kind.DATA:
                    self._take(rank, link, frame)
                case Kind.ALIVE:
                    self._still_here(link)
                case Kind.PARKED:
                    self._still_here(link)
                    if not self._wait_in_line(link, frame.value):
                        return False
                case Kind.END if self.complete_at is not None:
                    return True
                case _:
                    raise LinkLost(f"no longer has byte {self._spool.received}")

    def _take(self, rank: int, link: Link, frame: Frame) -> None:
        spool, left = self._spool, frame.length
        if frame.value != spool.received or left > spool.size - spool.received:
            raise LinkLost("it is out of step")
        self._use(rank)
        while left:
            room = spool.room(left, self._timing.tick)
            if room is None:
                self._moved = time.monotonic()  # it is not the source that is slow
                self._still_here(link)
                continue
            count = link.pull(room, lambda: self._still_here(link))
            spool.advance(count)
            left -= count
            if self._stop.is_set():
                raise LinkLost("this node is stopping")
        self._moved = time.monotonic()
        if spool.received == spool.size:
            self.complete_at = self._moved

    def _use(self, rank: int) -> None:
        if not self._used or self._used[-1][1] != rank:
            self._used.append((self._spool.received, rank))

    def _wait_in_line(self, link: Link, fed: int) -> bool:
        """Whether to stay in line behind the reader of rank `fed`."""
        move = when_parked(self._reception.rank, fed, self._failures)
        if move is Move.NEARER:
            self._failures.pop(fed, None)
            self._wanted = fed
        elif move is Move.INSIST:
            link.tell(Kind.INSIST)
        return move is not Move.NEARER

    def _still_here(self, link: Link) -> None:
        if self._is_over():
            raise LinkLost("this node is stopping")
        link.tell(Kind.ALIVE, value=self._spool.received)

    def _stay(self, link: Link) -> None:
        """All is received, not all is verified: a chunk may have to be fetched again, perhaps by a reader of ours."""
        while not self._spool.wait_verified(self._timing.tick):
            self._still_here(link)
        link.tell(Kind.BYE)
