"""Ended operations are kept for as long as the configuration says; then everything of them goes but their statistics,
which are kept for longer."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from kadeploy.errors import KadeployError
from kadeploy.ports.clock import Clock
from kadeploy.ports.engine import Engine
from kadeploy.ports.statistics import Statistics
from kadeploy.ports.store import Operations

ROUND: Final = 3600.0  # seconds between two looks
DAY: Final = 86400.0  # seconds

log = logging.getLogger(__name__)


class Retention:
    """`kept_for` is in seconds, from an operation's end, and `statistics_kept_for` from its beginning."""

    def __init__(
        self,
        operations: Operations,
        statistics: Statistics,
        engine: Engine,
        clock: Clock,
        *,
        kept_for: float,
        statistics_kept_for: float,
    ) -> None:
        self._operations = operations
        self._statistics = statistics
        self._engine = engine
        self._clock = clock
        self.kept_for = kept_for
        self.statistics_kept_for = statistics_kept_for

    async def prune(self) -> int:
        """How many operations were deleted."""
        count = 0
        while ids := await self._operations.prune(self._clock.now() - self.kept_for):
            await self._engine.forget(ids)
            count += len(ids)
        while await self._statistics.prune(self._clock.now() - self.statistics_kept_for):
            pass
        return count

    async def serve(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                if count := await self.prune():
                    log.info("%d operations that ended more than %.0f days ago are deleted", count, self.kept_for / DAY)
            except KadeployError:
                log.exception("old operations cannot be deleted now")
            await asyncio.sleep(ROUND)
