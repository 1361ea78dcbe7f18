"""The audit log in the database: added to, read, and never changed."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import delete, text, update

from kadeploy.domain.audit import AuditEntry
from kadeploy.errors import DatabaseProblem
from kadeploy.store.audit import SqlAudit
from kadeploy.store.database import Database
from kadeploy.store.tables import AUDIT


def test_the_newest_that_fit_oldest_first(database: Database) -> None:
    audit = SqlAudit(database)

    async def story() -> None:
        entries = [
            AuditEntry(at=float(number), user="alice" if number % 2 else "bob", action="x", nodes=f"n-[{number}-12]")
            for number in range(1, 11)
        ]
        for entry in entries:
            await audit.add(entry)
        assert await audit.read() == entries
        assert await audit.read(limit=2) == entries[-2:]
        assert await audit.read(user="bob", limit=2) == [entries[7], entries[9]]
        assert await audit.read(since=9.0) == entries[8:]
        assert await audit.read(node="n-3") == entries[:3]
        assert await audit.read(node="n-3", limit=1) == [entries[2]]
        assert await audit.read(node="n") == []

    asyncio.run(story())


def test_many_entries_are_read_in_pages(database: Database) -> None:
    audit = SqlAudit(database)

    async def story() -> None:
        def fill(connection: object) -> None:
            rows = [{**_row(), "at": float(number), "nodes": "n-1" if number == 3 else ""} for number in range(2500)]
            connection.execute(AUDIT.insert(), rows)  # type: ignore[attr-defined]

        await database.transact(fill)
        assert [entry.at for entry in await audit.read(node="n-1")] == [3.0]
        assert len(await audit.read(limit=2400)) == 2400

    asyncio.run(story())


@pytest.mark.parametrize(
    "statement",
    [update(AUDIT).values(user="nobody"), delete(AUDIT), text("DELETE FROM audit WHERE number = 1")],
    ids=["update", "delete", "delete one"],
)
def test_nothing_is_ever_changed_or_removed(database: Database, statement: object) -> None:
    audit = SqlAudit(database)

    async def story() -> None:
        entry = AuditEntry(at=1.0, user="alice", action="x")
        await audit.add(entry)
        with pytest.raises(DatabaseProblem, match="only ever added to"):
            await database.transact(lambda connection: connection.execute(statement))  # type: ignore[call-overload]
        assert await audit.read() == [entry]

    asyncio.run(story())


def _row() -> dict[str, object]:
    return {"user": "u", "action": "x", "role": "", "scheme": "", "address": "", "operation": "", "result": "ok"}
