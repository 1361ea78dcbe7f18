"""Routing on the path as it was sent.

Kadeploy3's tools write a space in a name as `+` and a slash as `%2F`; a server that decodes before it splits cannot
tell them from their likes. So segments are split first, and decoded by `segment`.
"""

from __future__ import annotations

from urllib.parse import quote, unquote_plus

from starlette.types import ASGIApp, Receive, Scope, Send


class RawPath:
    """ASGI middleware: the routed path is the sent one, still encoded, with or without a slash at its end."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            raw = scope.get("raw_path")
            path = raw.partition(b"?")[0].decode("latin-1") if raw else quote(scope["path"])
            scope = {**scope, "path": path[:-1] if len(path) > 1 and path.endswith("/") else path}
        await self._app(scope, receive, send)


def segment(text: str) -> str:
    """One segment of a path, decoded."""
    return unquote_plus(text)
