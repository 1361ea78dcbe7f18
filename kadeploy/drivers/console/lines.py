"""The port `Consoles`: a command on a pseudo-terminal for each node's console."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from kadeploy import process
from kadeploy.domain.node import BmcKind, Node, Site
from kadeploy.drivers.console.argv import sol, way_to
from kadeploy.drivers.ipmitool import environment_for
from kadeploy.errors import CommandFailed, Forbidden

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandLines:
    """`deadline`: seconds a BMC has to end a session that somebody left open."""

    site: Site
    deadline: float = 20.0

    def has(self, node: str) -> bool:
        return bool(way_to(self.site.nodes[node]))

    async def open(self, node: str) -> CommandLine:
        configured = self.site.nodes[node]
        argv = way_to(configured)
        if not argv:
            raise Forbidden(f"no console is configured for {node}")
        env = await self._prepared(configured)
        try:
            return CommandLine(await process.on_terminal(argv, env=env))
        except OSError as error:
            raise CommandFailed(f"the console of {node} cannot be opened: {error.strerror}") from error

    async def _prepared(self, node: Node) -> Mapping[str, str]:
        """The environment of the command. A BMC has one session, which a server that was killed has left open."""
        if node.console is not None or node.bmc is None or node.bmc.driver is not BmcKind.IPMI:
            return {}
        env = environment_for(node.bmc)
        await process.run(sol(node.bmc, "deactivate"), deadline=self.deadline, env=env)
        return env


class CommandLine:
    """Implements ports.console.Line."""

    def __init__(self, command: process.OnTerminal) -> None:
        self._command = command

    async def read(self) -> bytes:
        return await self._command.read()

    def write(self, data: bytes) -> None:
        self._command.write(data)

    async def close(self) -> str:
        ended = await self._command.close()
        return "" if ended.ok else f"its command {ended.ending}"
