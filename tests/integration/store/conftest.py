"""Every test of the store runs on a real SQLite file, and on a private PostgreSQL where one is installed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from kadeploy.store.database import Database
from tests.integration.migrated import migrated
from tests.integration.private_postgresql import created


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that is new: empty, or migrated already where the test wants it opened."""
    is_migrated = "database" in request.fixturenames
    if request.param == "sqlite":
        path = tmp_path / "kadeploy.db"
        return migrated(path) if is_migrated else f"sqlite:///{path}"
    pattern: str = request.getfixturevalue("postgresql")
    template = request.getfixturevalue("migrated_postgresql") if is_migrated else "template1"
    return created(pattern, f"test_{uuid.uuid4().hex}", template)


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    opened = Database.open(url)
    yield opened
    opened.close()
