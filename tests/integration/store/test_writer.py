"""What is committed together: each piece of work fails alone, unless the database itself fails."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection

from kadeploy.errors import Conflict, DatabaseProblem
from kadeploy.ports.store import Created
from kadeploy.store.database import Database
from kadeploy.store.operations import SqlOperations
from tests.integration.store.examples import an_operation


@asynccontextmanager
async def _held_up(database: Database) -> AsyncIterator[None]:
    """The writer is busy meanwhile: what it is given waits, and is then done in one transaction."""
    begun, go = threading.Event(), threading.Event()

    def hold(connection: Connection) -> None:
        begun.set()
        go.wait(30)

    holding = asyncio.ensure_future(database.transact(hold))
    try:
        await asyncio.to_thread(begun.wait, 30)
        yield
    finally:
        go.set()
        await holding


async def _together(
    database: Database, *works: Coroutine[None, None, Created | None]
) -> list[BaseException | Created | None]:
    async with _held_up(database):
        tasks = [asyncio.create_task(work) for work in works]
        await asyncio.wait(tasks, timeout=0)
    return await asyncio.gather(*tasks, return_exceptions=True)


def test_work_that_fails_is_undone_alone(database: Database) -> None:
    operations = SqlOperations(database)

    async def story() -> list[BaseException | Created | None]:
        wanted = ["n-[1-3]", "n-[3-5]", "n-[4-6]", "n-7", "n-[7-8]"]
        creations = [operations.create(an_operation(f"D-{n}", nodes)) for n, nodes in enumerate(wanted)]
        return await _together(database, *creations)

    answers = asyncio.run(story())
    assert [type(answer) for answer in answers] == [Created, Conflict, Created, Created, Conflict]
    assert asyncio.run(operations.running()) == ["D-0", "D-2", "D-3"]


def test_when_the_disk_is_full_nothing_of_it_is_recorded_and_all_are_told(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/k.db")
    operations = SqlOperations(database)

    def fill(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    async def story() -> list[BaseException | Created | None]:
        await operations.create(an_operation("D-0", "n-0"))
        works = [
            operations.create(an_operation("D-1", "n-1")),
            database.transact(fill),
            operations.create(an_operation("D-2", "node-[1-5000]")),
            operations.create(an_operation("D-3", "n-3")),
        ]
        return await _together(database, *works)

    answers = asyncio.run(story())
    assert [type(answer) for answer in answers] == [DatabaseProblem] * 4
    assert "database or disk is full (make room on its disk)" in str(answers[0])
    assert asyncio.run(operations.running()) == ["D-0"]
    database.close()


def test_work_that_is_cancelled_before_its_turn_is_not_done(database: Database) -> None:
    operations = SqlOperations(database)

    async def story() -> None:
        async with _held_up(database):
            creation = asyncio.create_task(operations.create(an_operation("D-1", "n-1")))
            await asyncio.wait([creation], timeout=0)
            creation.cancel()
            with pytest.raises(asyncio.CancelledError):
                await creation
        await operations.create(an_operation("D-2", "n-1"))
        assert await operations.running() == ["D-2"]

    asyncio.run(story())
