"""Soft power: ask the running system over SSH, with the server's key.

The host key is not checked: a node is reinstalled all the time, and the server sends nothing secret. The verb has
come true when the system is really gone, so that nobody takes the old system for the new one.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from kadeploy.domain.node import Node
from kadeploy.drivers.power.driver import PowerRefused, PowerState
from kadeploy.drivers.ssh_access import SshAccess
from kadeploy.drivers.ssh_banner import read_banner


@dataclass(frozen=True, slots=True, kw_only=True)
class SshPower:
    """`connect` is how long a system may take to let us in, `leave` how long to go down, both in seconds."""

    access: SshAccess
    user: str = "root"
    connect: float = 6.0
    leave: float = 90.0
    look: float = 0.25

    async def on(self, node: Node) -> None:
        raise PowerRefused("a system that is off cannot be asked to start")

    async def off(self, node: Node) -> None:
        await self._leave(node, "poweroff")

    async def cycle(self, node: Node) -> None:
        await self._leave(node, "reboot")

    async def status(self, node: Node) -> PowerState:
        raise PowerRefused("SSH does not tell power")

    async def _leave(self, node: Node, command: str) -> None:
        connection = await self._open(node)
        try:
            async with asyncio.timeout(self.leave):
                await _order(connection, command)
                await connection.wait_closed()
                while await read_banner(node.address, self.access.port, timeout=self.connect):  # noqa: ASYNC110 - as it says
                    await asyncio.sleep(self.look)
        except TimeoutError:
            raise PowerRefused(f"{command} was accepted, but the system still ran after {self.leave:g} s") from None
        finally:
            connection.abort()

    async def _open(self, node: Node) -> asyncssh.SSHClientConnection:
        if self.access.key is None:
            raise PowerRefused("no SSH key is configured")
        key = _read_key(self.access.key)
        try:
            async with asyncio.timeout(self.connect):
                return await asyncssh.connect(
                    node.address,
                    self.access.port,
                    username=self.user,
                    client_keys=[key],
                    known_hosts=None,
                    agent_path=None,
                    config=None,
                    keepalive_interval=2,  # a system whose network went first never says goodbye
                    keepalive_count_max=3,
                )
        except TimeoutError:
            raise PowerRefused(f"SSH did not answer within {self.connect:g} s") from None
        except asyncssh.PermissionDenied:
            raise PowerRefused(f"SSH refused the server's key for {self.user}") from None
        except (OSError, asyncssh.Error) as error:
            raise PowerRefused(f"no SSH: {error}") from error


def _read_key(path: Path) -> asyncssh.SSHKey:
    try:
        return asyncssh.read_private_key(path)
    except (OSError, ValueError) as error:
        raise PowerRefused(f"the server's SSH key {path} cannot be used: {error}") from error


async def _order(connection: asyncssh.SSHClientConnection, command: str) -> None:
    """Run it; a connection that is gone before the answer has obeyed."""
    try:
        done = await connection.run(command)
    except (OSError, asyncssh.ConnectionLost, asyncssh.DisconnectError):
        return
    except asyncssh.ChannelOpenError as error:
        raise PowerRefused(f"SSH runs no commands there: {error}") from error
    if done.exit_status:
        said = str(done.stderr or done.stdout or "").strip()
        raise PowerRefused(f"{command} exited with {done.exit_status}: {said[-500:]}")
