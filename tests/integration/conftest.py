"""A private PostgreSQL for tests that run on both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kadeploy.store.database import Database
from tests.integration import private_postgresql
from tests.integration.private_postgresql import created


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A URL with `{name}` where the database's name goes."""
    assert private_postgresql.programs(), "PostgreSQL is not here: run `make setup`"
    with private_postgresql.server() as url:
        yield url


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql: str) -> str:
    """The name of a database that others are copies of; nobody is connected to it."""
    Database.open(created(postgresql, "migrated")).close()
    return "migrated"
