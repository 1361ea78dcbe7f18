"""Which nodes answer: their agents in the minimal environment, their SSH server in what is installed.

The installed system knows nothing of us, so it is asked, over and over, by a connection that reads the SSH server's
first line. The minimal environment has no SSH server, but an open port alone would not tell; and a node whose agent
reports is in the wrong system, whatever answers on its address.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from kadeploy.domain.node import Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.drivers.ssh_access import SshAccess
from kadeploy.drivers.ssh_banner import read_banner
from kadeploy.drivers.window import SlotWindow
from kadeploy.ports.presence import System


class Agents(Protocol):
    """What the agents' meeting point knows."""

    def watch(self, nodes: NodeSet, since: float) -> AsyncGenerator[str, None]:
        """Yield each node once, as soon as its agent reports from a boot after `since` (seconds since the epoch)."""
        ...

    def connected_since(self, nodes: NodeSet, since: float) -> NodeSet:
        """Those whose agent, of a boot after `since`, holds a connection now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Probing:
    """Seconds between two looks at a node (drawn anew each time), and for one look."""

    shortest: float = 1.0
    longest: float = 2.0
    timeout: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePresence:
    """`checks` is the window through which installed systems are looked at."""

    site: Site
    agents: Agents
    checks: SlotWindow
    probing: Probing = Probing()
    ssh: SshAccess = field(default_factory=SshAccess)

    def watch(
        self,
        nodes: NodeSet,
        system: System,
        since: float,
        *,
        owner: str = "",
        addresses: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[str, None]:
        match system:
            case System.MINIMAL:
                return self.agents.watch(nodes, since)
            case System.INSTALLED:
                there = replace(self, site=_moved(self.site, addresses)) if addresses else self
                return there._watch_installed(nodes, since, owner)

    async def _watch_installed(self, nodes: NodeSet, since: float, owner: str) -> AsyncGenerator[str, None]:
        """Ends its probes when it is closed; a probe that fails as it should not ends the watch with its error."""
        found: asyncio.Queue[str | None] = asyncio.Queue()
        probes = asyncio.create_task(self._probe_all(nodes, since, owner, found))
        probes.add_done_callback(lambda _: found.put_nowait(None))
        try:
            while (name := await found.get()) is not None:
                yield name
            probes.result()
        finally:
            probes.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await probes

    async def _probe_all(self, nodes: NodeSet, since: float, owner: str, found: asyncio.Queue[str | None]) -> None:
        async with asyncio.TaskGroup() as group:
            for name in nodes:
                group.create_task(self._probe(name, since, owner, found))

    async def _probe(self, name: str, since: float, owner: str, found: asyncio.Queue[str | None]) -> None:
        probing, itself = self.probing, NodeSet([name])
        while True:
            async with self.checks.slots(owner):
                address = self.site.nodes[name].address
                answers = await read_banner(address, self.ssh.port, timeout=probing.timeout)
            if answers and not self.agents.connected_since(itself, since):
                found.put_nowait(name)
                return
            # Nodes that were started together would be asked together for ever.
            await asyncio.sleep(random.uniform(probing.shortest, probing.longest))


def _moved(site: Site, addresses: Mapping[str, str]) -> Site:
    """The site with its nodes at other addresses."""
    moved = {name: replace(site.nodes[name], address=address) for name, address in addresses.items()}
    return replace(site, nodes={**site.nodes, **moved})
