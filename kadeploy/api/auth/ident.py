"""Asking a host whose connection it is (RFC 1413). Its answer is worth what its administrator is worth.

Only configured hosts are asked. Where the request names a user, the host must name the same.
"""

from __future__ import annotations

import asyncio
import contextlib

from kadeploy.api.auth.credentials import Credentials, Identity
from kadeploy.api.auth.whitelist import Whitelist
from kadeploy.errors import NotAuthenticated

PORT = 113
_LONGEST = 1000  # characters of an answer (RFC 1413, 4)


class Ident:
    """Implements auth.credentials.Scheme. `timeout`: seconds for the whole question."""

    def __init__(self, whitelist: Whitelist, *, timeout: float, port: int = PORT) -> None:
        self._whitelist = whitelist
        self._timeout = timeout
        self._port = port

    async def identify(self, credentials: Credentials) -> Identity | None:
        if not credentials.port or not await self._whitelist.allows(credentials.address):
            return None
        try:
            async with asyncio.timeout(self._timeout):
                answer = await self._ask(credentials)
        except TimeoutError as error:
            raise NotAuthenticated(f"your host did not say within {self._timeout:g} s who you are (ident)") from error
        except (OSError, ValueError, EOFError) as error:
            raise NotAuthenticated("your host does not say who you are (ident)") from error
        user = user_in(answer, credentials.port, credentials.server_port)
        if user is None or (credentials.user and credentials.user != user):
            raise NotAuthenticated("your host does not say that you are who you say (ident)")
        return Identity(user=user, scheme="ident")

    async def _ask(self, credentials: Credentials) -> str:
        # From the address that was called: the host looks for a connection between the two (RFC 1413, 3).
        here = (credentials.server, 0) if credentials.server else None
        reader, writer = await asyncio.open_connection(credentials.address, self._port, limit=_LONGEST, local_addr=here)
        try:
            writer.write(f"{credentials.port}, {credentials.server_port}\r\n".encode())
            await writer.drain()
            return (await reader.readline()).decode("ascii")
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def user_in(answer: str, client_port: int, server_port: int) -> str | None:
    """The user of `PORT , PORT : USERID : SYSTEM : USER`, for these ports; None for every other answer."""
    parts = answer.rstrip("\r\n").split(":", 3)
    if len(parts) != 4 or parts[1].strip().upper() != "USERID":
        return None
    if [port.strip() for port in parts[0].split(",")] != [str(client_port), str(server_port)]:
        return None
    return parts[3].strip() or None
