"""The time a step is given. It stands still while the step's nodes wait for others: that is not their fault."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Allowance:
    """`excused` is how many seconds have not been counted."""

    seconds: float = 0.0
    excused: float = 0.0
    _running: asyncio.Timeout | None = None

    @asynccontextmanager
    async def bound(self, leeway: float = 0.0) -> AsyncIterator[None]:
        """Raises TimeoutError when the time, and so many seconds more, are over."""
        async with asyncio.timeout(self.seconds + leeway) as self._running:
            yield

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """To be used by the step inside `bound`."""
        running = self._running
        if running is None or running.when() is None or running.expired():
            yield
            return
        end, began = running.when(), asyncio.get_running_loop().time()
        assert end is not None
        running.reschedule(None)
        try:
            yield
        finally:
            spent = asyncio.get_running_loop().time() - began
            self.excused += spent
            running.reschedule(end + spent)
