"""The system that nodes run before ours, over SSH as root with the server's key: the port `RunningSystem`.

The host key is not checked: a node is reinstalled all the time, and whoever had it before may have had root on it.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from posixpath import dirname
from typing import Final

import asyncssh

from kadeploy.domain.node import Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.drivers.fanout import fan_out
from kadeploy.drivers.ssh_access import SshAccess
from kadeploy.errors import CommandFailed

AT_ONCE: Final = 64  # connections
_BLOCK: Final = 1024 * 1024  # bytes
_SAID: Final = 500  # characters of a failed command's last words

_Work = Callable[[asyncssh.SSHClientConnection], Awaitable[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SshRunning:
    """`connect` is how many seconds a system may take to let us in."""

    site: Site
    access: SshAccess
    user: str = "root"
    connect: float = 10.0

    async def put(self, nodes: NodeSet, files: Mapping[str, str], *, deadline: float) -> Result:
        """Through the shell, which every SSH server has."""

        async def send(connection: asyncssh.SSHClientConnection) -> str:
            for there, here in files.items():
                await _send(connection, Path(here), there)
            return ""

        return await self._each(nodes, lambda _: send, deadline)

    async def run(
        self, nodes: NodeSet, make: Callable[[str], Sequence[str]], *, deadline: float, leaves: bool = False
    ) -> Result:
        def order(name: str) -> _Work:
            line = shlex.join(make(name))
            return lambda connection: _run(connection, line, leaves=leaves)

        return await self._each(nodes, order, deadline)

    async def _each(self, nodes: NodeSet, work: Callable[[str], _Work], deadline: float) -> Result:
        async def act(name: str) -> str:
            try:
                return await asyncio.wait_for(self._connected(name, work(name)), deadline)
            except TimeoutError:
                raise CommandFailed(f"SSH did not get it done within {deadline:.0f} s") from None
            except asyncssh.PermissionDenied:
                raise CommandFailed(f"SSH refused the server's key for {self.user}") from None
            except (OSError, asyncssh.Error) as error:
                raise CommandFailed(f"no SSH: {error}") from error

        return await fan_out(nodes, act, limit=AT_ONCE)

    async def _connected(self, name: str, work: _Work) -> str:
        connection = await self._open(name)
        try:
            return await work(connection)
        finally:
            connection.abort()

    async def _open(self, name: str) -> asyncssh.SSHClientConnection:
        path = self.access.key
        if path is None:
            raise CommandFailed("this server has no SSH key with which to reach a running system")
        try:
            key = asyncssh.read_private_key(path)
        except (OSError, ValueError) as error:
            raise CommandFailed(f"the server's SSH key {path} cannot be used: {error}") from error
        return await asyncssh.connect(
            self.site.nodes[name].address,
            self.access.port,
            username=self.user,
            client_keys=[key],
            known_hosts=None,
            agent_path=None,
            config=None,
            connect_timeout=self.connect,
        )


async def _run(connection: asyncssh.SSHClientConnection, line: str, *, leaves: bool) -> str:
    try:
        done = await connection.run(line, stdin=asyncssh.DEVNULL)
    except (asyncssh.ConnectionLost, asyncssh.DisconnectError):
        if leaves:
            return ""
        raise
    if done.exit_status is None:  # the connection broke off before it told
        if leaves:
            return ""
        raise CommandFailed(f"the system went away during {line.split()[0]}")
    if done.exit_status:
        said = str(done.stderr or done.stdout or "").strip()
        raise CommandFailed(f"{line.split()[0]} exited with {done.exit_status}: {said[-_SAID:]}")
    return str(done.stdout or "").strip()


async def _send(connection: asyncssh.SSHClientConnection, here: Path, there: str) -> None:
    line = f"mkdir -p {shlex.quote(dirname(there))} && cat > {shlex.quote(there)}"
    async with connection.create_process(line, encoding=None) as process:
        with here.open("rb") as file:
            while block := await asyncio.to_thread(file.read, _BLOCK):
                process.stdin.write(block)
                await process.stdin.drain()
        process.stdin.write_eof()
        done = await process.wait()
    if done.exit_status:
        said = done.stderr.decode(errors="replace") if isinstance(done.stderr, bytes) else str(done.stderr or "")
        raise CommandFailed(f"{there} could not be written: {said.strip()[-_SAID:]}")
