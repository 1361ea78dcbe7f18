"""Every test of the API that has a house runs on SQLite, and on a private PostgreSQL."""

from __future__ import annotations

import inspect
import uuid
from pathlib import Path

import pytest

from tests.integration.api.house import DATABASE
from tests.integration.private_postgresql import created


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "tmp_path" in inspect.signature(metafunc.function).parameters:
        metafunc.parametrize("kept_in", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(autouse=True)
def kept_in(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Tells the house, by a file in its directory, of a database that is not the usual one."""
    if getattr(request, "param", "") == "postgresql":
        pattern: str = request.getfixturevalue("postgresql")
        template: str = request.getfixturevalue("migrated_postgresql")
        (tmp_path / DATABASE).write_text(created(pattern, f"test_{uuid.uuid4().hex}", template))
