"""A cache in a directory of the test's own, a permitted directory, and a web server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from kadeploy.files.cache import FileCache
from kadeploy.files.permitted import Permitted
from kadeploy.files.reach import Reach
from kadeploy.files.web import FetchLimits, Web
from kadeploy.ports.files import UploadRules
from tests.integration.files.web_server import WebServer, web_server

MIB = 1024 * 1024
OpenCache = Callable[..., FileCache]
HASTY = FetchLimits(pause=0.0, connect=5.0)
LOOPBACK = Web(limits=HASTY, reach=Reach(permitted=(ip_network("127.0.0.0/8"),)), proxy="")
"""Where the tests' servers are."""
RULES = UploadRules(quota=32 * MIB, expires=3600.0)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    directory = tmp_path / "images"
    directory.mkdir()
    return directory


@pytest.fixture
def open_cache(tmp_path: Path, root: Path) -> Iterator[OpenCache]:
    """Open the cache of this test; close it before opening it again."""
    with ExitStack() as stack:

        def opening(
            *, size: int = 64 * MIB, limits: FetchLimits = HASTY, web: Web = LOOPBACK, rules: UploadRules = RULES
        ) -> FileCache:
            cache = FileCache.open(
                tmp_path / "cache",
                size=size,
                permitted=Permitted(roots=(root,)),
                web=replace(web, limits=limits),
                uploads=rules,
            )
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
