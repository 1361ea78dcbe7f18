"""TCP ports for Kadeploy3's console tool, which knows no other way: bytes both ways, with nobody asked who they are.

So a port is let live for a moment only, for one connection, and from the address whose request was authenticated; what
comes from elsewhere is closed without a word.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from kadeploy.api.carry import carry
from kadeploy.domain.console import ConsoleSession
from kadeploy.errors import Forbidden, KadeployError, Unavailable
from kadeploy.operations.caller import Caller
from kadeploy.operations.consoles import Consoles

CHUNK = 4096  # bytes read at once

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PortPolicy:
    """`address` is listened on; `within` is the seconds that the tool has to connect."""

    is_open: bool = True
    address: str = "127.0.0.1"
    within: float = 30.0


@dataclass(slots=True, kw_only=True)
class _Port:
    session: ConsoleSession
    caller: Caller
    uri: str = ""
    is_taken: bool = False
    server: asyncio.Server | None = None
    deadline: asyncio.TimerHandle | None = None

    def close(self) -> None:
        """Nobody is let in any more."""
        if self.deadline is not None:
            self.deadline.cancel()
        if self.server is not None:
            self.server.close()


class ConsolePorts:
    """`policy` is for the ports that are opened from now on."""

    def __init__(self, consoles: Consoles, policy: PortPolicy) -> None:
        self._consoles = consoles
        self.policy = policy
        self._ports: dict[str, _Port] = {}
        consoles.tell_ends(self._close)

    def check(self) -> None:
        """Raises Forbidden where no ports are opened."""
        if not self.policy.is_open:
            raise Forbidden("this server opens no TCP ports for consoles", hint="use Kadeploy's own kaconsole")

    async def open(self, session: ConsoleSession, caller: Caller, host: str) -> str:
        """The URI to connect to; `host` is what the caller calls this server. Raises Unavailable."""
        port = _Port(session=session, caller=caller)
        try:
            port.server = await asyncio.start_server(
                lambda reader, writer: self._connected(port, reader, writer), self.policy.address, 0
            )
        except OSError as error:
            raise Unavailable(f"no port can be opened for the console: {error.strerror}") from error
        number = port.server.sockets[0].getsockname()[1]
        port.uri = f"tcp://{host or self.policy.address}:{number}"
        port.deadline = asyncio.get_running_loop().call_later(self.policy.within, port.server.close)
        self._ports[session.id] = port
        return port.uri

    def uri_of(self, console_id: str) -> str | None:
        port = self._ports.get(console_id)
        return port.uri if port is not None else None

    def _close(self, console_id: str) -> None:
        port = self._ports.pop(console_id, None)
        if port is not None:
            port.close()

    async def _connected(self, port: _Port, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            peer = writer.get_extra_info("peername")
            if not peer or _plain(peer[0]) != _plain(port.caller.address):
                log.warning("%s: a connection from %s is refused", port.session.id, peer and peer[0])
            elif port.is_taken:
                writer.write(b"this console is taken\r\n")
            else:
                port.is_taken = True
                port.close()
                await self._attend(port, reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _attend(self, port: _Port, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def send(data: bytes) -> None:
            writer.write(data)
            await writer.drain()

        try:
            async with self._consoles.attend(port.caller, port.session.id) as attended:
                await carry(attended, lambda: reader.read(CHUNK), send)
        except KadeployError as error:
            writer.write(f"{error}\r\n".encode())
        except OSError as error:
            log.info("%s: its connection is lost: %s", port.session.id, error)


def _plain(address: str) -> str:
    """An IPv4 address that is written as IPv6 (RFC 4291, 2.5.5.2) is the same one."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return str(mapped or parsed)
