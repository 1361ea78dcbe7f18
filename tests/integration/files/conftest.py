"""A cache in a directory of the test's own, a permitted directory, and a web server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kadeploy.files.cache import FileCache
from kadeploy.files.fetch import FetchLimits
from tests.integration.files.web_server import WebServer, web_server

MIB = 1024 * 1024
OpenCache = Callable[..., FileCache]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    directory = tmp_path / "images"
    directory.mkdir()
    return directory


@pytest.fixture
def open_cache(tmp_path: Path, root: Path) -> Iterator[OpenCache]:
    """Open the cache of this test; close it before opening it again."""
    with ExitStack() as stack:

        def opening(*, size: int = 64 * MIB, limits: FetchLimits | None = None) -> FileCache:
            cache = FileCache.open(tmp_path / "cache", size=size, roots=[root], limits=limits)
            stack.callback(cache.close)
            return cache

        yield opening


@pytest.fixture
def cache(open_cache: OpenCache) -> FileCache:
    return open_cache()


@pytest.fixture
def web() -> Iterator[WebServer]:
    with web_server() as server:
        yield server
