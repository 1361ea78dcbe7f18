"""A small HTTP server that answers recorded shapes of Kadeploy3's API, and can be cut off in the middle of a stream."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from kadeploy.domain.event import Event, to_json

PREFIX = "X-Kadeploy-"
NumberedEvents = Sequence[tuple[int, Event]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    body: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What to answer: JSON, or plain text for a str, unless it is of another kind."""

    body: object = ""
    status: int = 200
    code: int | None = None
    kind: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Events to send, then what to wait for, then more; `cut` breaks the connection instead of ending it well."""

    events: NumberedEvents
    wait: threading.Event | None = None
    then: NumberedEvents = ()
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """The request was heard, and the connection ends without an answer."""


Reply = Answer | Stream | Lost
Route = Reply | Callable[[Seen], Reply]
ANY_PATH = "*"


@dataclass(slots=True)
class Stub:
    """`routes` maps `METHOD path` to what is answered; every request is kept in `seen`."""

    routes: dict[str, Route] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    port: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def requests(self, method: str, path: str) -> list[Seen]:
        with self.lock:
            return [seen for seen in self.seen if (seen.method, seen.path) == (method, path)]

    def reply(self, seen: Seen) -> Reply:
        with self.lock:
            self.seen.append(seen)
        unknown = Answer(status=404, body=f"there is no {seen.path}")
        route = self.routes.get(f"{seen.method} {seen.path}", unknown)
        return route(seen) if callable(route) else route

    @contextmanager
    def serving(self) -> Iterator[Stub]:
        """Listen, on the same port again if it had one; ending it cuts every connection."""
        server = _Server(("127.0.0.1", self.port), _Handler)
        server.stub = self
        self.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    stub: Stub


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(length)
        seen = Seen(
            method=self.command,
            path=parts.path,
            query=parse_qs(parts.query),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=json.loads(text) if text else None,
        )
        reply = self.server.stub.reply(seen)
        if isinstance(reply, Lost):
            self.close_connection = True
        elif isinstance(reply, Stream):
            self._stream(reply, after=int(seen.headers.get("last-event-id", 0)))
        else:
            self._answer(reply)

    do_GET = do_POST = do_PUT = do_DELETE = _serve

    def _answer(self, answer: Answer) -> None:
        plain = isinstance(answer.body, str)
        content = (f"{answer.body}\n" if plain else json.dumps(answer.body)).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind or ("text/plain" if plain else "application/json"))
        self.send_header("Content-Length", str(len(content)))
        if answer.code is not None:
            self.send_header("X-Application-Error-Code", str(answer.code))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, stream: Stream, after: int) -> None:
        self.close_connection = True
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        if stream.cut:
            self.send_header("Content-Length", str(1 << 40))  # so that the end is an error, as of a killed server
        self.end_headers()
        self._send(stream.events, after)
        if stream.wait is not None:
            stream.wait.wait(30)
            self._send(stream.then, after)

    def _send(self, events: NumberedEvents, after: int) -> None:
        for number, event in events:
            if number > after:
                self.wfile.write(f"id: {number}\ndata: {json.dumps(to_json(event))}\n\n".encode())
        self.wfile.flush()


def site(**routes: Route) -> Stub:
    """A server with what every tool asks first; `routes` are named as in `routes`."""
    return Stub(
        routes={
            "GET /version": Answer(body="4.0.0"),
            "GET /auth_headers_prefix": Answer(body=PREFIX),
            "GET /info": Answer(body={"pxe": "iPXE", "automata": {}, "supported_fs": {"alpha": ["ext4"]}, "vars": []}),
            **routes,
        }
    )
