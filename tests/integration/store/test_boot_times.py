from __future__ import annotations

import asyncio

from kadeploy.domain.boot_times import Way
from kadeploy.store.boot_times import WAITS_KEPT, SqlBootTimes
from kadeploy.store.database import Database


def test_the_latest_waits_of_each_cluster_and_way_are_kept(database: Database) -> None:
    async def story() -> None:
        times = SqlBootTimes(database)
        assert await times.recent("a", Way.MINIMAL) == []
        for wait in range(WAITS_KEPT + 5):
            await times.record("a", Way.MINIMAL, {"node-1": float(wait), "node-2": wait + 0.5}, at=1000.0 + wait)
            await times.record("a", Way.INSTALLED_BY_KEXEC, {"node-1": 8.0}, at=1000.0 + wait)
        await times.record("b", Way.MINIMAL, {"node-9": 99.0}, at=0.0)
        kept = sorted(await times.recent("a", Way.MINIMAL))
        assert kept[0] == 5.0
        assert len(kept) == 2 * WAITS_KEPT
        assert await times.recent("a", Way.INSTALLED_BY_KEXEC) == [8.0] * WAITS_KEPT
        assert await times.recent("b", Way.MINIMAL) == [99.0]
        assert await times.recent("b", Way.INSTALLED) == []

    asyncio.run(story())
