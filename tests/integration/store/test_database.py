"""Opening: from nothing, again, and everything that may be wrong with a database."""

from __future__ import annotations

import asyncio
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from kadeploy.domain.state import OperationKind
from kadeploy.errors import DatabaseProblem
from kadeploy.store.database import Database, is_there
from kadeploy.store.migrate import VERSION_TABLE
from kadeploy.store.operations import SqlOperations
from kadeploy.store.tables import METADATA
from tests.integration.store.examples import an_operation


def test_migrations_make_just_the_tables_that_the_code_knows(database: Database) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True, "compare_server_default": True}
        )
        return list(compare_metadata(context, METADATA))

    assert asyncio.run(database.read(differences)) == []


def test_opening_again_changes_nothing_and_loses_nothing(url: str) -> None:
    for _ in range(2):
        first = Database.open(url)
        operations = SqlOperations(first)
        if not asyncio.run(operations.running()):
            asyncio.run(operations.create(an_operation("D-1", "n-[1-3]")))
        first.close()
    again = Database.open(url)
    assert asyncio.run(SqlOperations(again).running()) == ["D-1"]
    again.close()


def test_whether_it_is_there_is_seen_without_making_it(url: str, tmp_path: Path) -> None:
    for _ in range(2):
        assert not is_there(url)
    assert list(tmp_path.iterdir()) == []
    Database.open(url).close()
    assert is_there(url)


def test_servers_that_open_a_new_database_at_once_find_it_migrated(url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(Database.open, [url] * 4))
    for database in opened:
        assert asyncio.run(SqlOperations(database).list(OperationKind.POWER)) == []
        database.close()


def test_a_database_of_a_newer_version_is_refused(url: str) -> None:
    database = Database.open(url)
    asyncio.run(database.transact(lambda c: c.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))))
    database.close()
    with pytest.raises(DatabaseProblem, match="has tables of version 9999, and this Kadeploy knows them up to 00"):
        Database.open(url)


def test_a_database_of_another_program_is_refused_and_left_alone(url: str, tmp_path: Path) -> None:
    database = Database.open(url)
    asyncio.run(database.transact(lambda c: c.execute(text(f"ALTER TABLE {VERSION_TABLE} RENAME TO invoices"))))
    database.close()
    with pytest.raises(DatabaseProblem, match="is not a database of Kadeploy: it has other tables"):
        Database.open(url)


def test_a_file_that_is_no_database_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "k.db").write_text("server:\n  port: 25300\n" * 100)
    with pytest.raises(DatabaseProblem, match=r"k\.db does not answer as it should: file is not a database") as caught:
        Database.open(f"sqlite:///{tmp_path}/k.db")
    assert "restore a copy" in str(caught.value)
    assert (tmp_path / "k.db").read_text().startswith("server:")


def test_a_damaged_file_is_one_clear_sentence(tmp_path: Path) -> None:
    path = tmp_path / "k.db"
    database = Database.open(f"sqlite:///{path}")
    asyncio.run(SqlOperations(database).create(an_operation("D-1", "n-[1-2000]")))
    database.close()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(DatabaseProblem, match="malformed"):
        asyncio.run(_open_and_list(f"sqlite:///{path}"))


async def _open_and_list(url: str) -> None:
    database = Database.open(url)
    try:
        await SqlOperations(database).list(OperationKind.DEPLOYMENT)
    finally:
        database.close()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("sqlite:////nowhere/at/all/k.db", "the directory /nowhere/at/all of the database .* does not exist"),
        ("sqlite://", "names no file"),
        ("mysql://x@y/z", "a database of kind 'mysql' cannot be used"),
        ("not a url", "the database's URL is not one"),
        ("sqlite:////proc", "does not answer as it should: unable to open database file .*must be writable"),
    ],
)
def test_a_url_that_leads_nowhere_is_one_clear_sentence(url: str, sentence: str) -> None:
    with pytest.raises(DatabaseProblem, match=sentence):
        Database.open(url)


def test_others_on_the_machine_cannot_read_the_file(tmp_path: Path) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/k.db")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    database.close()
    assert modes == dict.fromkeys(("k.db", "k.db-wal", "k.db-shm"), 0o600)


def test_a_password_is_never_shown() -> None:
    with pytest.raises(DatabaseProblem) as caught:
        Database.open("postgresql://kadeploy:hunter2@127.0.0.1:1/kadeploy")
    assert "hunter2" not in str(caught.value)
    assert "127.0.0.1" in str(caught.value)


def test_a_database_that_another_process_holds_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "k.db"
    database = Database.open(f"sqlite:///{path}")
    operations = SqlOperations(database)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def story() -> None:
        creation = asyncio.create_task(operations.create(an_operation("D-1", "n-1")))
        assert await operations.running() == []  # reading does not wait
        assert not creation.done()
        other.execute("COMMIT")
        await creation
        assert await operations.running() == ["D-1"]

    asyncio.run(story())
    other.close()
    database.close()


def test_work_after_closing_is_refused(url: str) -> None:
    database = Database.open(url)
    database.close()
    database.close()
    with pytest.raises(DatabaseProblem, match="the database is closed"):
        asyncio.run(SqlOperations(database).create(an_operation("D-1", "n-1")))


def test_closing_finishes_what_was_given(url: str) -> None:
    async def story() -> None:
        database = Database.open(url)
        creations = [
            asyncio.create_task(SqlOperations(database).create(an_operation(f"D-{n}", f"n-{n}"))) for n in range(20)
        ]
        await asyncio.wait(creations, timeout=0)
        database.close()
        await asyncio.gather(*creations)

    asyncio.run(story())
    again = Database.open(url)
    assert len(asyncio.run(SqlOperations(again).running())) == 20
    again.close()
