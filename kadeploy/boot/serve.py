"""Running the boot pages on a socket of their own, on the boot network, until cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.applications import Starlette

from kadeploy.errors import Unavailable

BACKLOG = 1024  # a whole cluster asks in the same second

LONGEST_REQUEST = 1_200_000  # bytes of a request's head: a query may name every node of a large cluster


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the daemon's."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """Raises Unavailable. Port 0 takes a free one."""
    try:
        return socket.create_server((host, port), backlog=BACKLOG)
    except OSError as error:
        raise Unavailable(f"boot files cannot be served on {host}:{port}: {error.strerror}") from error


async def serve(application: Starlette, listening: socket.socket) -> None:
    """Serve until cancelled; closes the socket. Forwarded-for headers are not believed: addresses decide here."""
    config = uvicorn.Config(
        application,
        access_log=False,
        log_config=None,
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
        h11_max_incomplete_event_size=LONGEST_REQUEST,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving
