"""`files` and `cache` of server.conf."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kadeploy.config.decode import decode
from kadeploy.config.files import Cache, Files

STORE = {"prefix": "s3://images", "endpoint": "http://store:9000", "key": "AK", "secret": "sesame"}


def test_a_place_ends_where_a_directory_does() -> None:
    read = decode(Files, {"sources": [STORE], "permitted": ["127.0.0.0/8"], "proxy": ""}).value
    assert read is not None
    assert read.sources[0].prefix == "s3://images/"
    assert (read.proxy, str(read.permitted[0])) == ("", "127.0.0.0/8")
    assert "sesame" not in repr(read)


@pytest.mark.parametrize(
    ("written", "fault"),
    [
        ({"sources": [{**STORE, "secret": ""}]}, "sources[0]: key and secret go together"),
        ({"sources": [{**STORE, "token": "t"}]}, "sources[0]: token: not for s3://"),
        ({"sources": [{"prefix": "https://f/", "key": "AK", "secret": "s"}]}, "sources[0]: key, secret: not for https"),
        ({"sources": [{"prefix": "https://f/", "user": "a", "token": "t"}]}, "sources[0]: user and token exclude"),
        ({"sources": [{"prefix": "https://alice:pw@f/"}]}, "sources[0].prefix"),
        ({"sources": [{"prefix": "ftp://f/"}]}, "sources[0].prefix"),
        ({"permitted": ["everywhere"]}, "permitted[0]"),
        ({"roots": ["images"]}, "roots[0]: must be an absolute path, not 'images'"),
        ({"uploads": {"quota": -1}}, "uploads.quota"),
        ({"deadline": 0}, "deadline"),
        ({"proxy": "socks"}, "proxy"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(written: dict[str, Any], fault: str) -> None:
    faults = decode(Files, written).faults
    assert any(fault in one for one in faults), faults


def test_kadeploy3s_usual_cache_is_where_everybody_may_write() -> None:
    state = Path("/var/lib/kadeploy")
    assert Cache(directory=Path("/tmp")).place(state) == Path("/tmp/kadeploy-cache")
    assert Cache(directory=Path("/srv/cache")).place(state) == Path("/srv/cache")
    assert Cache().place(state) == state / "cache"
