"""The simulated cluster: every port that steps use, over simulated nodes. Seeded, so a run can be repeated."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Mapping

from kadeploy.domain.boot import BootTarget
from kadeploy.domain.node import Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import Level
from kadeploy.domain.result import Result
from kadeploy.drivers.window import SlotWindow
from kadeploy.ports.boot import DirectBoot
from kadeploy.ports.clock import Clock
from kadeploy.ports.presence import System
from kadeploy.ports.step import Services
from kadeploy.ports.store import BootTimes
from kadeploy.testing.memory import MemoryBootTimes
from kadeploy.testing.nodes import Fault, SimulatedNode
from kadeploy.testing.remote import SimulatedBroadcast, SimulatedRemote
from kadeploy.testing.timing import Timing

USUAL = Timing()
Watchers = dict[str, set["asyncio.Queue[SimulatedNode]"]]


class SimulatedCluster:
    """Nodes, and the ports over them: `services` is what the engine needs. The reboot window is as wide as the
    cluster unless another is given."""

    def __init__(
        self,
        site: Site,
        clock: Clock,
        *,
        seed: int,
        faults: Mapping[str, Fault] | None = None,
        timing: Timing = USUAL,
        window: SlotWindow | None = None,
        boot_times: BootTimes | None = None,
    ) -> None:
        self._watchers: Watchers = {}
        self.window = window or SlotWindow(max(1, len(site.nodes)))
        self.nodes = {
            name: SimulatedNode(
                name=name,
                clock=clock,
                random=random.Random(f"{seed}/{name}"),
                timing=timing,
                arrived=self._arrived,
                fault=(faults or {}).get(name),
                firmware=node.firmware,
            )
            for name, node in site.nodes.items()
        }
        self.services = Services(
            site=site,
            power=SimulatedPower(self.nodes),
            reboots=self.window,
            boot=SimulatedBoot(self.nodes),
            remote=SimulatedRemote(self.nodes, deadlines=timing.deadlines),
            broadcast=SimulatedBroadcast(self.nodes, deadlines=timing.deadlines),
            presence=SimulatedPresence(self.nodes, self._watchers),
            boot_times=boot_times or MemoryBootTimes(),
            clock=clock,
        )

    def settle_in(self) -> None:
        """Every node runs a system that was installed before."""
        for node in self.nodes.values():
            node.is_on = node.disk.installed = node.disk.bootable = True
            node.come_up(System.INSTALLED)

    @property
    def watched(self) -> frozenset[str]:
        """Nodes that somebody waits for."""
        return frozenset(self._watchers)

    @property
    def agents(self) -> int:
        """How many nodes run the minimal environment, and its agent."""
        return sum(node.system is System.MINIMAL for node in self.nodes.values())

    def _arrived(self, node: SimulatedNode) -> None:
        for watcher in self._watchers.get(node.name, ()):
            watcher.put_nowait(node)


class SimulatedPower:
    """Implements ports.power.Power."""

    def __init__(self, nodes: Mapping[str, SimulatedNode]) -> None:
        self._nodes = nodes

    async def on(self, nodes: NodeSet, level: Level) -> Result:
        return await self._each(nodes, lambda node: None if node.is_on else node.restart())

    async def off(self, nodes: NodeSet, level: Level) -> Result:
        return await self._each(nodes, SimulatedNode.switch_off)

    async def cycle(self, nodes: NodeSet, level: Level) -> Result:
        return await self._each(nodes, SimulatedNode.restart)

    async def status(self, nodes: NodeSet) -> Result:
        result = await self._each(nodes, lambda _: None)
        said = {name: "on" if self._nodes[name].is_on else "off" for name in result.ok}
        return Result(ok=result.ok, ko=result.ko, outputs=said)

    async def _each(self, nodes: NodeSet, act: Callable[[SimulatedNode], None]) -> Result:
        touched = [self._nodes[name] for name in nodes.names]
        await asyncio.sleep(max((node.timing.power.draw(node.random) for node in touched), default=0.0))
        refused = {node.name for node in touched if node.fault is Fault.BMC_REFUSES}
        for node in touched:
            if node.name not in refused:
                act(node)
        return Result(
            ok=NodeSet(nodes.names - refused), ko=dict.fromkeys(refused, "the BMC refused the user or password")
        )


class SimulatedBoot:
    """Implements ports.boot.Boot."""

    def __init__(self, nodes: Mapping[str, SimulatedNode]) -> None:
        self._nodes = nodes

    async def set(self, nodes: NodeSet, target: BootTarget, *, only_from_minimal: bool = False) -> Result:
        for node in (self._nodes[name] for name in nodes.names):
            if node.target.is_minimal or not only_from_minimal:
                node.target = target
        return Result(ok=nodes)

    async def direct(self, node: str, target: BootTarget) -> DirectBoot:
        return DirectBoot(
            kernel="/srv/vmlinuz", initrd="/srv/initrd", agent="/srv/agent.pyz", arguments=(f"kadeploy.node={node}",)
        )


class SimulatedPresence:
    """Implements ports.presence.Presence."""

    def __init__(self, nodes: Mapping[str, SimulatedNode], watchers: Watchers) -> None:
        self._nodes = nodes
        self._watchers = watchers

    async def watch(
        self,
        nodes: NodeSet,
        system: System,
        since: float,
        *,
        owner: str = "",
        addresses: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[str, None]:
        arrivals: asyncio.Queue[SimulatedNode] = asyncio.Queue()
        for name in nodes.names:
            self._watchers.setdefault(name, set()).add(arrivals)
        try:
            missing = set(nodes.names)
            for name in nodes:
                if self._counts(self._nodes[name], system, since):
                    missing.discard(name)
                    yield name
            while missing:
                node = await arrivals.get()
                if node.name in missing and self._counts(node, system, since):
                    missing.discard(node.name)
                    yield node.name
        finally:
            for name in nodes.names:
                watchers = self._watchers[name]
                watchers.discard(arrivals)
                if not watchers:
                    del self._watchers[name]

    @staticmethod
    def _counts(node: SimulatedNode, system: System, since: float) -> bool:
        return node.system is system and (system is System.INSTALLED or node.since >= since)
