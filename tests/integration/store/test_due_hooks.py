"""The commands that are due at the ends of operations."""

from __future__ import annotations

import asyncio

from kadeploy.store.database import Database
from kadeploy.store.due_hooks import SqlDueHooks


def test_what_is_due_stays_so_until_it_is_struck_out(database: Database, url: str) -> None:
    due = SqlDueHooks(database)

    async def story() -> None:
        await due.add("D-1", "alice")
        await due.add("R-1", "bob")
        await due.add("D-1", "alice")
        assert await due.all() == {"D-1": "alice", "R-1": "bob"}
        await due.remove("D-1")
        await due.remove("D-1")

    asyncio.run(story())
    again = Database.open(url)
    try:
        assert asyncio.run(SqlDueHooks(again).all()) == {"R-1": "bob"}
    finally:
        again.close()
