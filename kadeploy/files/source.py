"""Where a file is, as its URL says: in a directory of this server, on the web, in an object store, with the client."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

from kadeploy.errors import InvalidFile

OBJECTS: Final = ("s3",)
_SERVER: Final = "server://"
_UPLOAD: Final = "upload://"
_CLIENT: Final = "client+"
_WEB: Final = ("http", "https")
_SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class ServerPath:
    """An absolute path on this server, not yet checked against anything."""

    path: str


@dataclass(frozen=True, slots=True)
class WebAddress:
    url: str


@dataclass(frozen=True, slots=True)
class StoredObject:
    """In an object store: `scheme://BUCKET/KEY`."""

    url: str


@dataclass(frozen=True, slots=True)
class Uploaded:
    sha256: str


@dataclass(frozen=True, slots=True)
class ClientAddress:
    """On a file server that runs at who asks while they wait: `client+http://HOST:PORT/BASE64`, by no means of theirs
    when somebody else says so."""

    url: str


Source = ServerPath | WebAddress | StoredObject | Uploaded | ClientAddress


def parse_source(url: str) -> Source:
    """Raises InvalidFile."""
    if url.startswith(_SERVER):
        path = unquote(url.removeprefix(_SERVER))
        if not path.startswith("/") or "\0" in path:
            raise InvalidFile(f"{url!r} is not a file of the server", hint="as in server:///srv/images/FILE")
        return ServerPath(path)
    if url.startswith(_UPLOAD):
        if not _SHA256.match(sha256 := url.removeprefix(_UPLOAD).lower()):
            raise InvalidFile(f"{url!r} is not an upload", hint="as in upload://SHA256")
        return Uploaded(sha256)
    plain = url.removeprefix(_CLIENT)
    try:
        parts = urlsplit(plain)
        is_there = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_there = False
    if is_there and plain == url and parts.scheme in OBJECTS and parts.path.strip("/"):
        return StoredObject(url)
    if not is_there or parts.scheme not in _WEB:
        raise InvalidFile(
            f"{shown(url)!r} is not a URL that can be fetched", hint="server:///, http://, https:// or s3://"
        )
    return WebAddress(url) if plain == url else ClientAddress(plain)


def shown(url: str) -> str:
    """The URL as it may be told to people: without a user's name and password, and without a query, which may hold
    what signs the request. A client's file is called as it is there."""
    try:
        parts = urlsplit(url.removeprefix(_CLIENT))
    except ValueError:
        return "a URL that cannot be read"
    if not parts.netloc:
        return url
    if url.startswith(_CLIENT) and (path := _client_path(parts.path)):
        return f"{path} on {parts.hostname}"
    query = "…" if parts.query else ""
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query=query, fragment=""))


def _client_path(encoded: str) -> str:
    try:
        return base64.urlsafe_b64decode(encoded.strip("/")).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
