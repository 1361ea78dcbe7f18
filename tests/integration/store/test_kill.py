"""`kill -9` in the middle of writing: what was acknowledged is there, and nothing is half there."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from sqlalchemy import text

from kadeploy.domain.state import Progress
from kadeploy.store.database import Database
from kadeploy.store.journal import SqlJournal
from kadeploy.store.operations import SqlOperations


@pytest.mark.parametrize("lines", [1, 40, 200])
def test_nothing_acknowledged_is_lost_by_kill_9(url: str, lines: int) -> None:
    acknowledged = _record_until_killed(url, lines)
    database = Database.open(url)
    try:
        asyncio.run(_check(database, acknowledged))
        if url.startswith("sqlite"):
            assert asyncio.run(database.read(lambda c: c.scalar(text("PRAGMA integrity_check")))) == "ok"
            assert asyncio.run(database.read(lambda c: c.execute(text("PRAGMA foreign_key_check")).all())) == []
    finally:
        database.close()


def _record_until_killed(url: str, lines: int) -> list[tuple[str, str]]:
    argv = [sys.executable, "-m", "tests.integration.store.recorder", url]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            said = [process.stdout.readline() for _ in range(lines)]
        finally:
            process.kill()
        said += process.stdout.readlines()
    # A last line may be cut off by the kill: it was not said.
    whole = [line.split() for line in said if line.endswith("\n")]
    assert len(whole) >= lines
    return [(verb, identity) for verb, identity in whole]


async def _check(database: Database, acknowledged: list[tuple[str, str]]) -> None:
    operations, journal = SqlOperations(database), SqlJournal(database)
    running = set(await operations.running())
    assert {identity for _, identity in acknowledged} <= running
    for verb, identity in acknowledged:
        operation = await operations.get(identity)
        assert len(operation.nodes) == 100
        if verb == "journalled":
            assert len(await journal.read(identity)) == 50
        if verb == "settled":
            assert len(operation.having(Progress.OK)) == 100
    for identity in running - {identity for _, identity in acknowledged}:
        assert len((await operations.get(identity)).nodes) == 100
        assert len(await journal.read(identity)) in (0, 50)
