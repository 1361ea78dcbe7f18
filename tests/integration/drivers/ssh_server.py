"""A small system that speaks SSH and can be told to go down."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh


@dataclass(slots=True)
class System:
    """`obey` decides what a command does; it gets the system and answers with an exit status."""

    obey: Callable[[System], int]
    commands: list[str] = field(default_factory=list)
    server: asyncssh.SSHAcceptor | None = None
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)

    @property
    def port(self) -> int:
        assert self.server is not None
        return int(self.server.get_port())

    def go_down(self) -> None:
        assert self.server is not None
        self.server.close()
        for connection in self.connections:
            connection.abort()


class _Guard(asyncssh.SSHServer):
    def __init__(self, system: System) -> None:
        self._system = system

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._system.connections.append(conn)


@contextlib.asynccontextmanager
async def ssh_system(system: System, authorized: Path | None) -> AsyncIterator[System]:
    async def run(process: asyncssh.SSHServerProcess[str]) -> None:
        system.commands.append(process.command or "")
        status = system.obey(system)
        if status:
            process.stderr.write("Refusing to operate\n")
        process.exit(status)

    system.server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_factory=lambda: _Guard(system),
        server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")],
        authorized_client_keys=str(authorized) if authorized else None,
        process_factory=run,
    )
    try:
        yield system
    finally:
        system.go_down()
        await system.server.wait_closed()
