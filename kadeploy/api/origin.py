"""Refuses what a browser sends for a page of somewhere else.

A browser shows who its user is (a password it keeps, a certificate, its own host to ident) whatever page asks for a
request, and asks nobody before it sends a plain POST or opens a WebSocket (RFC 6455, 10.2; Fetch, 3.2). Tools send no
Origin.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from kadeploy.errors import Forbidden


def refuse_strange_pages(request: HTTPConnection) -> None:
    """Raises Forbidden when the page is not of this server."""
    origin = request.headers.get("origin", "")
    if origin and not _is_of(request.headers.get("host", ""), origin):
        raise Forbidden(f"a page of {origin} may not use this server")


def _is_of(host: str, origin: str) -> bool:
    try:
        return urlsplit(origin).netloc == host
    except ValueError:  # no URL at all
        return False
