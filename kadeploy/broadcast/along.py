"""Digests a chunk piece by piece, each right after it was passed on, while it is still in the processor's cache.

By the thread that receives, and only when that has nothing else to do: where bytes wait for it, chunks are left as they
are to those that check beside it.
"""

from __future__ import annotations

from kadeploy.broadcast.digests import Digest, begun
from kadeploy.broadcast.spool import Spool, Unchecked

MOST_AT_ONCE = 256 << 10  # bytes: to digest more would be a delay that is handed on


class Along:
    """Used by one thread."""

    def __init__(self, spool: Spool) -> None:
        self._spool, self._step = spool, spool.manifest.chunk_size
        self._index, self._done = -1, 0
        self._digest: Digest | None = None
        spool.complete = self.finish

    def follow(self) -> None:
        """All that has come was passed on, and nothing waits."""
        index, into = divmod(self._spool.received, self._step)
        if into:
            self._go_on(index, into)

    def finish(self, index: int) -> None:
        """This chunk is all there."""
        spool, length = self._spool, self._spool.manifest.span(index)[1]
        if index == self._index:
            self._go_on(index, length)
        if index != self._index or self._done != length or self._digest is None:
            left = (self._digest, self._done) if index == self._index else (None, 0)
            spool.unchecked.put(Unchecked(index, *left))
        elif self._digest.digest() == spool.manifest.digests[index]:
            spool.settle(index)
        else:
            spool.bad.put(index)

    def _go_on(self, index: int, until: int) -> None:
        if index != self._index:
            self._index, self._done, self._digest = index, 0, None
        if until - self._done > MOST_AT_ONCE:
            return
        piece = self._spool.view(index * self._step + self._done, until - self._done)
        if self._digest is None:
            self._digest = begun(self._spool.manifest.algorithm, piece)
        else:
            self._digest.update(piece)
        self._done = until
