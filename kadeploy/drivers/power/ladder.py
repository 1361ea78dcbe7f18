"""The site's power: for each node the ways to act on it, tried from the asked level of force upwards until one works.

soft: the running system, over SSH; hard: the node's BMC; very hard: its supply cut and given back through the BMC.
An admin's command for a level stands in place of what is built in. One that acts on a group is run once for all of
it, and only when the whole group is to be acted on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field

from kadeploy.domain.node import BmcKind, Node, Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import LEVELS, AdminCommand, Level, Verb
from kadeploy.domain.result import Result
from kadeploy.drivers.fanout import fan_out
from kadeploy.drivers.power import command
from kadeploy.drivers.power.driver import PowerDriver, PowerRefused, bmc_of

logger = logging.getLogger(__name__)

Act = Callable[[], Awaitable[object]]


@dataclass(slots=True, kw_only=True)
class _Order:
    """One call over `nodes`; `groups` are the commands under way for nodes that share a supply."""

    verb: Verb
    nodes: NodeSet
    groups: dict[tuple[Level, NodeSet], asyncio.Task[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """`limit` is how many nodes are switched at once in one call, `dark` for how many seconds a cut supply stays cut,
    `patience` how many seconds an admin's command may take."""

    site: Site
    bmcs: Mapping[BmcKind, PowerDriver]
    ssh: PowerDriver | None = None
    limit: int = 64
    dark: float = 5.0
    patience: float = 120.0

    async def on(self, nodes: NodeSet, level: Level) -> Result:
        return await self._climb(_Order(verb=Verb.ON, nodes=nodes), level)

    async def off(self, nodes: NodeSet, level: Level) -> Result:
        return await self._climb(_Order(verb=Verb.OFF, nodes=nodes), level)

    async def cycle(self, nodes: NodeSet, level: Level) -> Result:
        return await self._climb(_Order(verb=Verb.REBOOT, nodes=nodes), level)

    async def status(self, nodes: NodeSet) -> Result:
        async def ask(name: str) -> str:
            node = self._node(name)
            if node.commands.status is not None:
                return await command.ask(node.commands.status, name, deadline=self.patience)
            return str(await self._bmc(node).status(node))

        return await fan_out(nodes, ask, limit=self.limit)

    async def _climb(self, order: _Order, level: Level) -> Result:
        async def climb(name: str) -> str:
            reasons = []
            for rung, act in self._rungs(self._node(name), order, level):
                try:
                    await act()
                except PowerRefused as error:
                    logger.info("%s: %s: %s", name, rung, error)
                    reasons.append(f"{rung}: {error}")
                else:
                    return ""
            raise PowerRefused("; ".join(reasons))

        return await fan_out(order.nodes, climb, limit=self.limit)

    def _rungs(self, node: Node, order: _Order, level: Level) -> Iterator[tuple[Level, Act]]:
        """From the asked level upwards; where nothing is that forceful, the most forceful that there is."""
        found = [(rung, act) for rung in LEVELS if (act := self._act(node, order, rung)) is not None]
        own = {rung for rung, _ in found if (order.verb, rung) in node.commands.acts}
        if own and node.bmc is None:  # then nothing else is more forceful than SSH
            found = [(rung, act) for rung, act in found if rung in own or rung is Level.SOFT]
        high_enough = [entry for entry in found if LEVELS.index(entry[0]) >= LEVELS.index(level)]
        yield from high_enough or found[-1:]

    def _act(self, node: Node, order: _Order, level: Level) -> Act | None:
        """What is done at just this level, None when there is nothing."""
        own = node.commands.acts.get((order.verb, level))
        if own is None:
            return self._built_in(node, order.verb, level)
        if not own.groups:
            return lambda: command.act(own.for_node(node.name), deadline=self.patience)
        group = own.group_of(node.name)
        return (lambda: self._act_on_group(own, group, level, order)) if group <= order.nodes else None

    def _built_in(self, node: Node, verb: Verb, level: Level) -> Act | None:
        acts: Mapping[tuple[Verb, Level], Act] = {
            (Verb.REBOOT, Level.SOFT): lambda: self._ssh().cycle(node),
            (Verb.REBOOT, Level.HARD): lambda: self._bmc(node).cycle(node),
            (Verb.REBOOT, Level.VERY_HARD): lambda: self._cut(node),
            (Verb.OFF, Level.SOFT): lambda: self._ssh().off(node),
            (Verb.OFF, Level.HARD): lambda: self._bmc(node).off(node),
            (Verb.ON, Level.HARD): lambda: self._bmc(node).on(node),
        }
        return acts.get((verb, level))

    async def _act_on_group(self, own: AdminCommand, group: NodeSet, level: Level, order: _Order) -> None:
        """Whoever comes first starts the command; it outlives none of them, and all get its outcome."""
        if (level, group) not in order.groups:
            run = command.act(own.for_group(group), deadline=self.patience)
            order.groups[level, group] = asyncio.create_task(run, name=f"{order.verb} {level} of {group}")
        await order.groups[level, group]

    async def _cut(self, node: Node) -> None:
        driver = self._bmc(node)
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
