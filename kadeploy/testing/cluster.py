"""The simulated cluster: every port that steps use, over simulated nodes. Seeded, so a run can be repeated."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Mapping

from kadeploy.domain.boot import BootTarget
from kadeploy.domain.image import Compression, ImageKind, LocalFile
from kadeploy.domain.node import Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import Level
from kadeploy.domain.result import Result
from kadeploy.ports.clock import Clock
from kadeploy.ports.presence import System
from kadeploy.ports.remote import Command, ReportBytes
from kadeploy.ports.step import Services
from kadeploy.testing.nodes import Fault, SimulatedNode, Timing

BROADCAST_SECONDS = 30.0
USUAL = Timing()


class SimulatedCluster:
    """Nodes, and the ports over them: `services` is what the engine needs."""

    def __init__(
        self,
        site: Site,
        clock: Clock,
        *,
        seed: int,
        faults: Mapping[str, Fault] | None = None,
        timing: Timing = USUAL,
    ) -> None:
        self._watchers: set[asyncio.Queue[SimulatedNode]] = set()
        self.nodes = {
            name: SimulatedNode(
                name=name,
                clock=clock,
                random=random.Random(f"{seed}/{name}"),
                timing=timing,
                arrived=self._arrived,
                fault=(faults or {}).get(name),
            )
            for name in site.nodes
        }
        self.services = Services(
            site=site,
            power=SimulatedPower(self.nodes),
            boot=SimulatedBoot(self.nodes),
            remote=SimulatedRemote(self.nodes),
            broadcast=SimulatedBroadcast(self.nodes),
            presence=SimulatedPresence(self.nodes, self._watchers),
            clock=clock,
        )

    def _arrived(self, node: SimulatedNode) -> None:
        for watcher in self._watchers:
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
        await asyncio.sleep(0.5)
        refused = {name for name in nodes if self._nodes[name].fault is Fault.BMC_REFUSES}
        for name in nodes.names - refused:
            act(self._nodes[name])
        return Result(
            ok=NodeSet(nodes.names - refused), ko=dict.fromkeys(refused, "the BMC refused the user or password")
        )


class SimulatedBoot:
    """Implements ports.boot.Boot."""

    def __init__(self, nodes: Mapping[str, SimulatedNode]) -> None:
        self._nodes = nodes

    async def set(self, nodes: NodeSet, target: BootTarget) -> Result:
        for name in nodes:
            self._nodes[name].target = target
        return Result(ok=nodes)


class SimulatedPresence:
    """Implements ports.presence.Presence."""

    def __init__(self, nodes: Mapping[str, SimulatedNode], watchers: set[asyncio.Queue[SimulatedNode]]) -> None:
        self._nodes = nodes
        self._watchers = watchers

    async def watch(self, nodes: NodeSet, system: System, since: float) -> AsyncGenerator[str, None]:
        arrivals: asyncio.Queue[SimulatedNode] = asyncio.Queue()
        self._watchers.add(arrivals)
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
            self._watchers.discard(arrivals)

    @staticmethod
    def _counts(node: SimulatedNode, system: System, since: float) -> bool:
        return node.system is system and (system is System.INSTALLED or node.since >= since)


class SimulatedRemote:
    """Implements ports.remote.Remote: a key is run once on a node, and answered for ever."""

    def __init__(self, nodes: Mapping[str, SimulatedNode]) -> None:
        self._nodes = nodes

    async def run(
        self,
        nodes: NodeSet,
        make: Callable[[str], Command],
        *,
        key: str,
        deadline: float,
        report: ReportBytes | None = None,
        leaves: bool = False,
    ) -> Result:
        gone = {name for name in nodes if self._nodes[name].system is not System.MINIMAL}
        present = [self._nodes[name] for name in nodes if name not in gone]
        await asyncio.sleep(max((node.draw(node.timing.command) for node in present), default=0.0))
        ko: dict[str, str] = {}
        for node in present:
            reason = self._once(node, make(node.name), key)
            if reason:
                ko[node.name] = reason
        if gone:
            await asyncio.sleep(deadline)
        if not leaves:
            ko.update(dict.fromkeys(gone, f"the agent did not answer within {deadline:.0f} s"))
        return Result(ok=NodeSet(nodes.names - ko.keys()), ko=ko)

    def _once(self, node: SimulatedNode, command: Command, key: str) -> str:
        if key not in node.answers:
            node.ran.append(command.name)
            node.answers[key] = _carry_out(node, command)
        return node.answers[key]


def _carry_out(node: SimulatedNode, command: Command) -> str:
    """Do what the command does; the reason why not, or nothing."""
    if command.name == "partition" and node.fault is Fault.SMALL_DISK:
        return "the disk is too small: 1 GiB, the layout needs 4 GiB"
    if command.name == "kexec_exec":
        node.kexec()
    if command.name == "reboot":
        node.restart()
    return ""


class SimulatedBroadcast:
    """Implements ports.broadcast.Broadcast: a node that dies costs the others nothing."""

    def __init__(self, nodes: Mapping[str, SimulatedNode]) -> None:
        self._nodes = nodes

    async def send(
        self,
        nodes: NodeSet,
        image: LocalFile,
        *,
        kind: ImageKind,
        compression: Compression,
        destination: str,
        key: str,
        deadline: float,
        report: ReportBytes,
    ) -> Result:
        ko: dict[str, str] = {}
        for name in nodes:
            if self._nodes[name].fault is Fault.DIES_IN_BROADCAST:
                self._nodes[name].die()
                ko[name] = "died in the broadcast"
            elif self._nodes[name].system is not System.MINIMAL:
                ko[name] = "was not there"
        await asyncio.sleep(BROADCAST_SECONDS)
        ok = NodeSet(nodes.names - ko.keys())
        for name in ok:
            self._nodes[name].installed = True
            report(name, image.size, image.size)
        return Result(ok=ok, ko=ko)
