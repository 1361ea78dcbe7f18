"""Every test of the store runs on a real SQLite file, and on a private PostgreSQL where one is installed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from kadeploy.store.database import Database
from tests.integration.store import private_postgresql


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A URL with `{name}` where the database's name goes."""
    if private_postgresql.programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with private_postgresql.server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that is new."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/kadeploy.db"
    pattern: str = request.getfixturevalue("postgresql")
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(pattern.format(name="postgres"), autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(name)))
    return pattern.format(name=name)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database.open(url)
    yield opened
    opened.close()
