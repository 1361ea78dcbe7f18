"""URLs, and how they are shown."""

from __future__ import annotations

import pytest

from kadeploy.errors import InvalidFile
from kadeploy.files.source import ServerPath, WebAddress, parse_source, shown


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("server:///srv/images/d12.tar.zst", ServerPath("/srv/images/d12.tar.zst")),
        ("server:///srv/my%20image é", ServerPath("/srv/my image é")),
        ("server:///srv/100%25?#1", ServerPath("/srv/100%?#1")),
        ("http://files/d12.tgz?v=1", WebAddress("http://files/d12.tgz?v=1")),
        ("https://alice:secret@[fe80::1]:8443/d", WebAddress("https://alice:secret@[fe80::1]:8443/d")),
    ],
)
def test_a_url_says_where_a_file_is(url: str, expected: ServerPath | WebAddress) -> None:
    assert parse_source(url) == expected


@pytest.mark.parametrize(
    "url",
    ["", "/srv/d12", "server://srv/d12", "server:///a%00b", "local://x", "file:///etc/passwd", "http://", "http:///x"]
    + ["http://a:99999/x", "http://[::1/x", "ftp://a/x", "javascript:alert(1)"],
)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(InvalidFile, match="is not a"):
        parse_source(url)


def test_a_password_is_not_shown() -> None:
    assert shown("https://alice:s@cret@files:8443/d?x=1") == "https://files:8443/d?…"
    assert shown("server:///srv/d") == "server:///srv/d"
