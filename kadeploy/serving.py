"""The only place an HTTP server is started: an application on a socket, with TLS or without, until cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from kadeploy.errors import Unavailable

BACKLOG = 1024  # a whole cluster asks in the same second

LONGEST_REQUEST = 1_200_000  # bytes of a request's head: a query may name every node of a large cluster


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the daemon's."""
        yield


class _Connection(HttpToolsProtocol):
    """Tells the application with which certificate the client proved itself: DER, `state["client_certificate"]`.
    Refuses a request whose head does not end."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head = 0  # bytes of a head that has not ended
        self._is_in_head = True
        secured = transport.get_extra_info("ssl_object")
        if secured is not None and (certificate := secured.getpeercert(binary_form=True)):
            self.app_state = {**self.app_state, "client_certificate": certificate}

    def data_received(self, data: bytes) -> None:
        if self._is_in_head:
            self._head += len(data)
        super().data_received(data)
        if self._is_in_head and self._head > LONGEST_REQUEST and not self.transport.is_closing():
            self.send_400_response("The request's head is too long.")

    def on_headers_complete(self) -> None:
        """The query goes a way of its own: httptools takes no address of more than 65,535 bytes apart."""
        self._is_in_head, self._head = False, 0
        whole = self.url
        self.url, _, query = whole.partition(b"?")
        super().on_headers_complete()
        self.url, self.scope["query_string"] = whole, query.partition(b"#")[0]

    def on_message_complete(self) -> None:
        self._is_in_head = True
        super().on_message_complete()


def listen(host: str, port: int) -> socket.socket:
    """Raises Unavailable. Port 0 takes a free one."""
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=BACKLOG
        )
    except OSError as error:
        why = str(error.strerror or error).partition(" (while attempting")[0]
        raise Unavailable(f"cannot listen on {host}:{port}: {why}") from error


async def serve(application: ASGIApp, listening: socket.socket, *, tls: ssl.SSLContext | None = None) -> None:
    """Serve until cancelled; closes the socket. Forwarded-for headers are not believed: addresses decide here."""
    config = uvicorn.Config(
        application,
        http=_Connection,
        ws="wsproto",
        access_log=False,
        log_config=None,
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        ssl_context_factory=(lambda config, usual: tls) if tls else None,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving
