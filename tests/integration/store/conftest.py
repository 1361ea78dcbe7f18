"""Every test of the store runs on a real SQLite file, and on a private PostgreSQL where one is installed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from kadeploy.store.database import Database
from tests.integration.migrated import migrated
from tests.integration.store import private_postgresql


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A URL with `{name}` where the database's name goes."""
    assert private_postgresql.programs(), "PostgreSQL is not here: run `make setup`"
    with private_postgresql.server() as url:
        yield url


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql: str) -> str:
    """The name of a database that others are copies of; nobody is connected to it."""
    Database.open(_created(postgresql, "migrated")).close()
    return "migrated"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that is new: empty, or migrated already where the test wants it opened."""
    is_migrated = "database" in request.fixturenames
    if request.param == "sqlite":
        path = tmp_path / "kadeploy.db"
        return migrated(path) if is_migrated else f"sqlite:///{path}"
    pattern: str = request.getfixturevalue("postgresql")
    template = request.getfixturevalue("migrated_postgresql") if is_migrated else "template1"
    return _created(pattern, f"test_{uuid.uuid4().hex}", template)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database.open(url)
    yield opened
    opened.close()


def _created(pattern: str, name: str, template: str = "template1") -> str:
    with psycopg.connect(pattern.format(name="postgres"), autocommit=True) as connection:
        names = map(psycopg.sql.Identifier, (name, template))
        connection.execute(psycopg.sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
    return pattern.format(name=name)
