"""Answers of a web server that knows parts of a file, and of some that know them badly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler

ETAG = '"v1"'


@dataclass(kw_only=True)
class Parts:
    """A file of which each connection brings `cut` bytes at most, until `whole_from` connections were made."""

    body: bytes
    cut: int
    whole_from: int = 10**9
    etag: str = ETAG
    modified: str = ""
    knows_parts: bool = True
    heeds_if_range: bool = True
    told_start: Callable[[int], int] = lambda start: start
    status_later: int = 0
    then: bytes | None = None
    """What the file is from the second connection on, under another entity tag."""
    connections: int = 0

    def __call__(self, request: BaseHTTPRequestHandler) -> None:
        self.connections += 1
        if self.connections > 1 and self.status_later:
            request.send_response(self.status_later)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        changed = self.then is not None and self.connections > 1
        body, etag = (self.then or b"", '"v2"') if changed else (self.body, self.etag)
        start = self._start(request, etag)
        request.send_response(206 if start else 200)
        if etag:
            request.send_header("ETag", etag)
        if self.modified:
            request.send_header("Last-Modified", self.modified)
        if start:
            told = self.told_start(start)
            request.send_header("Content-Range", f"bytes {told}-{len(body) - 1}/{len(body)}")
        request.send_header("Content-Length", str(len(body) - start))
        request.end_headers()
        end = len(body) if self.connections >= self.whole_from else min(len(body), start + self.cut)
        request.wfile.write(body[start:end])

    def _start(self, request: BaseHTTPRequestHandler, etag: str) -> int:
        wanted = request.headers.get("Range", "")
        if not wanted or not self.knows_parts:
            return 0
        if self.heeds_if_range and request.headers.get("If-Range") not in (etag, self.modified):
            return 0
        return int(wanted.removeprefix("bytes=").rstrip("-"))
