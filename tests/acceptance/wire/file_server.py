"""The HTTP server that Kadeploy3's tools start for their own files, as picky and as plain as it is."""

from __future__ import annotations

import base64
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import unquote

_ACCEPTED: Final = ("*/*", "application/json", "application/x-yaml")


@dataclass(slots=True)
class FileServer:
    """`asked` is every request with the status of its answer."""

    url: str = ""
    asked: list[tuple[str, str, int]] = field(default_factory=list)


def path_of(file: Path) -> str:
    """Under which it is served."""
    return f"/{base64.urlsafe_b64encode(str(file).encode()).decode()}"


@contextmanager
def file_server(*files: Path, certificate: Path | None = None) -> Iterator[FileServer]:
    """Serve these files until the block ends; `certificate` is a PEM file with its key, for TLS."""
    served = FileServer()
    paths = {path_of(file): file for file in files}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def _answer(self, *, with_body: bool) -> None:
            accept = self.headers.get("Accept")
            file = paths.get(unquote(self.path))
            status = 406 if accept and not any(one in accept for one in _ACCEPTED) else 200 if file else 404
            content = file.read_bytes() if file and status == 200 else b""
            served.asked.append((self.command, self.path, status))
            self.send_response(status)
            if file and status == 200:
                state = file.stat()
                self.send_header("Content-Type", "application/octet-stream")
                self.send_header("ETag", f'"{state.st_ino:x}-{state.st_size:x}-{int(state.st_mtime):x}"')
                self.send_header("Last-Modified", self.date_time_string(state.st_mtime))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if with_body:
                self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            """Not on standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        served.url = f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()
