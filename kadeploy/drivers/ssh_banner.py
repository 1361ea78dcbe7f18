"""Does an SSH server speak there? Its first line says so, before anybody logs in (RFC 4253, 4.2)."""

from __future__ import annotations

import asyncio

OPENING = b"SSH-"
LINES = 20  # that may come before it


async def read_banner(address: str, port: int, *, timeout: float) -> str:
    """The server's version line, or an empty text when nothing that speaks SSH answers within `timeout` seconds.

    An open port is not enough: while a system goes down, its sockets may still be accepted and never served.
    """
    writer: asyncio.StreamWriter | None = None
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_connection(address, port)
            for _ in range(LINES):
                line = await reader.readline()
                if line.startswith(OPENING) and line.endswith(b"\n"):
                    return line.decode(errors="replace").strip()
                if not line:
                    break
    except (OSError, TimeoutError, ValueError):
        pass
    finally:
        if writer is not None:
            writer.transport.abort()
    return ""
