"""Checks each chunk beside the forwarding, and fetches a bad one again: only what is right reaches the sink."""

from __future__ import annotations

import logging
import threading
import time

from kadeploy.broadcast.heal import Timing, is_worth_mending, repair_source
from kadeploy.broadcast.link import Link, LinkLost
from kadeploy.broadcast.order import HEAD_RANK
from kadeploy.broadcast.reception import Reception
from kadeploy.broadcast.spool import Spool, Unchecked
from kadeploy.broadcast.upstream import Upstream
from kadeploy.broadcast.wire import Frame, Kind

log = logging.getLogger(__name__)


class Checker:
    """`check` runs in as many threads as there are cores to spare, `mend` in one. They sleep until there is something
    to do or `end` wakes them: where many nodes share a machine, waking up to look costs as much as the bytes."""

    def __init__(self, reception: Reception, spool: Spool, upstream: Upstream, stop: threading.Event) -> None:
        self.repaired: list[str] = []  # a line for each bad chunk
        self._reception, self._spool, self._upstream, self._stop = reception, spool, upstream, stop
        self._timing, self._patience = Timing(stall=reception.limits.stall), reception.limits.patience

    def check(self) -> None:
        spool = self._spool
        while self._is_on():
            index, digest, done = spool.unchecked.get()
            if index < 0:
                return
            if spool.manifest.matches(index, spool.chunk(index)[done:], digest):
                spool.settle(index)
            else:
                spool.bad.put(index)

    def mend(self) -> None:
        while self._is_on():
            index = self._spool.bad.get()
            if index < 0:
                return
            self._mend(index)

    def end(self, threads: int) -> None:
        """Wake so many that check, and the one that mends."""
        for _ in range(threads):
            self._spool.unchecked.put(Unchecked(-1))
        self._spool.bad.put(-1)

    def _is_on(self) -> bool:
        return not (self._stop.is_set() or self._spool.is_verified or self._spool.broken is not None)

    def _mend(self, index: int) -> None:
        spool = self._spool
        start, length = spool.manifest.span(index)
        came_from = self._upstream.source_of(start + length - 1)
        self.repaired.append(f"chunk {index} (byte {start}) came bad from {self._upstream.member(came_from).name}")
        log.warning("%s", self.repaired[-1])
        order, shape = self._reception.order, self._reception.shape
        before = () if came_from == HEAD_RANK else shape.before(came_from, len(order))
        attempt, wrong, began, why = 0, 0, time.monotonic(), ""
        while self._is_on():
            rank = repair_source(attempt, before)
            attempt += 1
            try:
                chunk = self._fetch(index, rank)
            except LinkLost as lost:
                why = f"{self._upstream.member(rank).name}: {lost}"
                self._stop.wait(self._timing.tick if rank == HEAD_RANK else 0)
            else:
                if spool.manifest.matches(index, chunk):
                    spool.chunk(index)[:] = chunk
                    spool.settle(index)
                    return
                wrong += 1
                why = f"it is bad at {self._upstream.member(rank).name}, too"
            if not is_worth_mending(wrong, time.monotonic() - began, self._patience):
                spool.fail(f"chunk {index} (byte {start}) of the image is bad: {why}")

    def _fetch(self, index: int, rank: int) -> memoryview:
        start, length = self._spool.manifest.span(index)
        chunk = memoryview(bytearray(length))
        link = self._upstream.dial(rank, start, start + length, ranged=True, answer=self._timing.stall)
        try:
            done = 0
            while done < length:
                frame = link.next_frame(lambda: self._still_here(link))
                if frame.kind is Kind.DATA and frame.value == start + done and frame.length <= length - done:
                    done = self._take(link, frame, chunk, done)
                elif frame.kind is Kind.ALIVE:
                    self._still_here(link)
                else:
                    raise LinkLost("it no longer has that chunk")
            link.tell(Kind.BYE)
        finally:
            link.close()
        return chunk

    def _take(self, link: Link, frame: Frame, chunk: memoryview, done: int) -> int:
        end = done + frame.length
        while done < end:
            done += link.pull(chunk[done:end], lambda: self._still_here(link))
        return done

    def _still_here(self, link: Link) -> None:
        if not self._is_on():
            raise LinkLost("this node is stopping")
        link.tell(Kind.ALIVE)
