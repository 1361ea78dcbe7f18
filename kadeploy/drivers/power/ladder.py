"""The site's power: each node's own drivers, tried from the asked level of force upwards until one works.

soft: the running system, over SSH; hard: the node's BMC; very hard: its supply cut and given back through the BMC.
A limit on how many nodes may start at once belongs in front of this, as a `Power` of its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass

from kadeploy.domain.node import BmcKind, Node, Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import Level
from kadeploy.domain.result import Result
from kadeploy.drivers.fanout import fan_out
from kadeploy.drivers.power.driver import PowerDriver, PowerRefused, bmc_of

logger = logging.getLogger(__name__)

Verb = Callable[[PowerDriver, Node], Awaitable[None]]
LEVELS = tuple(Level)  # from the softest up


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """`limit` is how many nodes are switched at once, `dark` for how many seconds a cut supply stays cut."""

    site: Site
    bmcs: Mapping[BmcKind, PowerDriver]
    ssh: PowerDriver | None = None
    limit: int = 64
    dark: float = 5.0

    async def on(self, nodes: NodeSet, level: Level) -> Result:
        return await self._climb(nodes, level, lambda driver, node: driver.on(node), softly=False)

    async def off(self, nodes: NodeSet, level: Level) -> Result:
        return await self._climb(nodes, level, lambda driver, node: driver.off(node))

    async def cycle(self, nodes: NodeSet, level: Level) -> Result:
        return await self._climb(nodes, level, lambda driver, node: driver.cycle(node), very_hard=self._cut)

    async def status(self, nodes: NodeSet) -> Result:
        async def ask(name: str) -> str:
            node = self._node(name)
            return str(await self._bmc(node).status(node))

        return await fan_out(nodes, ask, limit=self.limit)

    async def _climb(
        self, nodes: NodeSet, level: Level, verb: Verb, *, softly: bool = True, very_hard: Verb | None = None
    ) -> Result:
        """Without a `very_hard` of its own, the order to the BMC is the most that can be done, and given once."""

        def rungs(node: Node) -> Iterator[tuple[Level, Callable[[], Awaitable[None]]]]:
            if level is Level.SOFT and softly:
                yield Level.SOFT, lambda: verb(self._ssh(), node)
            if level is not Level.VERY_HARD or very_hard is None:
                yield Level.HARD, lambda: verb(self._bmc(node), node)
            if very_hard is not None:
                yield Level.VERY_HARD, lambda: very_hard(self._bmc(node), node)

        async def climb(name: str) -> str:
            reasons = []
            for rung, act in rungs(self._node(name)):
                try:
                    await act()
                except PowerRefused as error:
                    logger.info("%s: %s: %s", name, rung, error)
                    reasons.append(f"{rung}: {error}")
                else:
                    return ""
            raise PowerRefused("; ".join(reasons))

        return await fan_out(nodes, climb, limit=self.limit)

    async def _cut(self, driver: PowerDriver, node: Node) -> None:
        await driver.off(node)
        await asyncio.sleep(self.dark)
        await driver.on(node)

    def _node(self, name: str) -> Node:
        if name not in self.site.nodes:
            raise PowerRefused("not a node of this site")
        return self.site.nodes[name]

    def _ssh(self) -> PowerDriver:
        if self.ssh is None:
            raise PowerRefused("no SSH key is configured")
        return self.ssh

    def _bmc(self, node: Node) -> PowerDriver:
        kind = bmc_of(node).driver
        if kind not in self.bmcs:
            raise PowerRefused(f"no driver for a BMC of kind {kind}")
        return self.bmcs[kind]
