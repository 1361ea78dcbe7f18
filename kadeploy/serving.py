"""The only place an HTTP server is started: an application on a socket, with TLS or without, until cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from kadeploy.errors import Unavailable

BACKLOG = 1024  # a whole cluster asks in the same second

LONGEST_REQUEST = 1_200_000  # bytes of a request's head: a query may name every node of a large cluster


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the daemon's."""
        yield


class _Connection(H11Protocol):
    """Tells the application with which certificate the client proved itself: DER, `state["client_certificate"]`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        secured = transport.get_extra_info("ssl_object")
        if secured is not None and (certificate := secured.getpeercert(binary_form=True)):
            self.app_state = {**self.app_state, "client_certificate": certificate}


def listen(host: str, port: int) -> socket.socket:
    """Raises Unavailable. Port 0 takes a free one."""
    try:
        return socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=BACKLOG
        )
    except OSError as error:
        raise Unavailable(f"cannot listen on {host}:{port}: {error.strerror}") from error


async def serve(application: ASGIApp, listening: socket.socket, *, tls: ssl.SSLContext | None = None) -> None:
    """Serve until cancelled; closes the socket. Forwarded-for headers are not believed: addresses decide here."""
    config = uvicorn.Config(
        application,
        http=_Connection,
        access_log=False,
        log_config=None,
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        h11_max_incomplete_event_size=LONGEST_REQUEST,
        ssl_context_factory=(lambda config, usual: tls) if tls else None,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving
