"""One plain server and one with TLS for all these tests of a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.wire.server import Kadeployd, kadeployd
from tests.acceptance.wire.stage import Stage


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kadeployd]:
    with kadeployd(tmp_path_factory.mktemp("plain"), is_secure=False) as server:
        yield server


@pytest.fixture(scope="session")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kadeployd]:
    with kadeployd(tmp_path_factory.mktemp("secure"), is_secure=True) as server:
        yield server


@pytest.fixture(params=["plain", "secure"])
def server(request: pytest.FixtureRequest) -> Kadeployd:
    served: Kadeployd = request.getfixturevalue(request.param)
    return served


@pytest.fixture
def stage(plain: Kadeployd) -> Stage:
    """The plain server with nothing on it but alice's rights."""
    scene = Stage(plain)
    scene.set({})
    return scene
