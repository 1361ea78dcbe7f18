"""Where a file is, as its URL says: in a directory of this server, or on the web."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

from kadeploy.errors import InvalidFile

_SERVER: Final = "server://"
_WEB: Final = ("http", "https")


@dataclass(frozen=True, slots=True)
class ServerPath:
    """An absolute path on this server, not yet checked against anything."""

    path: str


@dataclass(frozen=True, slots=True)
class WebAddress:
    url: str


def parse_source(url: str) -> ServerPath | WebAddress:
    """`server:///PATH`, `http://…` or `https://…`; raises InvalidFile."""
    if url.startswith(_SERVER):
        path = unquote(url.removeprefix(_SERVER))
        if not path.startswith("/") or "\0" in path:
            raise InvalidFile(f"{url!r} is not a file of the server", hint="as in server:///srv/images/FILE")
        return ServerPath(path)
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in _WEB and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_web = False
    if not is_web:
        raise InvalidFile(f"{shown(url)!r} is not a URL that can be fetched", hint="server:///, http:// or https://")
    return WebAddress(url)


def shown(url: str) -> str:
    """The URL as it may be told to people: without a user's name and password."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    if not parts.netloc:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
