from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.security.attacked import Attacked, attacked


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """One for all attacks: whatever was tried, it goes on, and its log has no defect in it."""
    with attacked(tmp_path_factory.mktemp("attacked") / "server") as one:
        yield one
        assert "Traceback" not in one.log(), one.log()[-5000:]
        assert " ERROR " not in one.log(), one.log()[-5000:]
