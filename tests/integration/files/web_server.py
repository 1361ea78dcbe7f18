"""A web server of the tests' own, on loopback: what each path answers is a function, and every request is noted."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]

LONG_AGO = "Mon, 06 Jan 2020 10:00:00 GMT"


class WebServer:
    def __init__(self, server: ThreadingHTTPServer, scheme: str) -> None:
        self.answers: dict[str, Answer] = {}
        self.heads: dict[str, Answer] = {}
        self.requests: list[tuple[str, Mapping[str, str]]] = []
        self.url = f"{scheme}://127.0.0.1:{server.server_port}"
        self.stop = server.shutdown

    def count(self, path: str) -> int:
        return sum(seen == path for seen, _ in self.requests)


@contextmanager
def web_server(tls: ssl.SSLContext | None = None) -> Iterator[WebServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            web.requests.append((self.path, dict(self.headers)))
            web.answers.get(self.path, status(404))(self)
            self.close_connection = True

        def do_HEAD(self) -> None:
            """Not noted; what is not in `heads` is there if it can be had at all."""
            answer = self.path in web.answers and status(405)
            web.heads.get(self.path, answer or status(404))(self)
            self.close_connection = True

        def handle(self) -> None:
            with suppress(ConnectionError, ssl.SSLError):  # clients leave, and do not believe it
                super().handle()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        web = WebServer(server, "https" if tls else "http")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield web
        finally:
            server.shutdown()
            thread.join()


def status(code: int, **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        for name, value in headers.items():
            request.send_header(name, value)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


def content(
    body: bytes,
    *,
    told: int | None = None,
    etag: str = "",
    modified: str = "",
    encoding: str = "",
    gate: threading.Event | None = None,
    halfway: threading.Event | None = None,
) -> Answer:
    """A file, said to be `told` bytes long. Half of it is sent, `halfway` is set and the gate is waited for."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        if (etag and request.headers.get("If-None-Match") == etag) or (
            modified and request.headers.get("If-Modified-Since") == modified
        ):
            status(304)(request)
            return
        request.send_response(200)
        extra = {"ETag": etag, "Last-Modified": modified, "Content-Encoding": encoding}
        for name, value in extra.items():
            if value:
                request.send_header(name, value)
        request.send_header("Content-Length", str(len(body) if told is None else told))
        request.end_headers()
        try:
            request.wfile.write(body[: len(body) // 2])
            request.wfile.flush()
            if halfway is not None:
                halfway.set()
            if gate is not None:
                gate.wait(30)
            request.wfile.write(body[len(body) // 2 :])
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client has gone, as some tests want

    return answer


def chunked(body: bytes, *, whole: bool = True) -> Answer:
    """A file whose length is not told; without its last chunk unless `whole`."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        try:
            for start in range(0, len(body), 65536):
                block = body[start : start + 65536]
                request.wfile.write(f"{len(block):x}\r\n".encode() + block + b"\r\n")
            if whole:
                request.wfile.write(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # the client has had enough

    return answer
