"""Commands on simulated nodes, and images sent to them. A node goes on with what it was given when nobody waits."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from kadeploy.domain.disk import Layout, Partition
from kadeploy.domain.image import ImageKind
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.patience import Late
from kadeploy.domain.result import Result
from kadeploy.ports.broadcast import Shipment
from kadeploy.ports.presence import System
from kadeploy.ports.remote import Command, Terms
from kadeploy.testing.nodes import ON_DISK, Fault, Job, SimulatedNode

Nodes = Mapping[str, SimulatedNode]
AT_ONCE: Final = 200
REPORTS: Final = 10  # progress of a broadcast, told so often


class SimulatedRemote:
    """Implements ports.remote.Remote: a key is run once on a node, and answered for ever."""

    def __init__(self, nodes: Nodes, *, deadlines: float = 1.0) -> None:
        self._nodes = nodes
        self._deadlines = deadlines

    async def run(
        self, nodes: NodeSet, make: Callable[[str], Command], terms: Terms, *, leaves: bool = False
    ) -> Result:
        terms = replace(terms, deadline=terms.deadline * self._deadlines)
        jobs: dict[str, Job] = {}
        async for name in _in_turns(nodes.names):
            if self._is_there(name):
                jobs[name] = _given(self._nodes[name], make(name), terms.key)
        gone = nodes.names - jobs.keys()
        absence = min(terms.deadline, max((self._nodes[name].timing.absence for name in nodes.names), default=0.0))
        waits = Waits.of(self._nodes, jobs, terms, {} if leaves else dict.fromkeys(gone, absence))
        await asyncio.sleep(waits.seconds)
        late = waits.late(terms)
        ko = {name: why for name, job in jobs.items() if (why := _why(self._nodes[name], job, terms.deadline))}
        if not leaves:
            ko.update(dict.fromkeys(gone, f"its agent has not been connected for {absence:.0f} s"))
        return Result(
            ok=NodeSet(nodes.names - ko.keys() - late),
            ko={name: why for name, why in ko.items() if name not in late},
        )

    async def stop(self, nodes: NodeSet) -> None:
        now = asyncio.get_running_loop().time()
        for name in nodes.names:
            for job in self._nodes[name].jobs.values():
                if job.ends > now:
                    job.ends, job.reason = now, "stopped on request"

    def _is_there(self, name: str) -> bool:
        return self._nodes[name].system is System.MINIMAL


class SimulatedBroadcast:
    """Implements ports.broadcast.Broadcast: a node that dies costs the others nothing."""

    def __init__(self, nodes: Nodes, *, deadlines: float = 1.0) -> None:
        self._nodes = nodes
        self._deadlines = deadlines

    async def send(self, nodes: NodeSet, shipment: Shipment, terms: Terms) -> Result:
        terms = replace(terms, deadline=terms.deadline * self._deadlines)
        there = {name for name in nodes.names if self._nodes[name].system is System.MINIMAL}
        jobs = {name: _receiving(self._nodes[name], terms.key) for name in there}
        gone = dict.fromkeys(nodes.names - there, 0.0)
        waits, size = Waits.of(self._nodes, jobs, terms, gone), shipment.image.size
        for part in range(1, REPORTS + 1):
            await asyncio.sleep(waits.seconds / REPORTS)
            async for name in _in_turns(there):
                terms.report(name, size * part // REPORTS, size)
        late = waits.late(terms)
        ko = dict.fromkeys(gone, "was not there")
        for name, job in jobs.items():
            if name in late:
                continue
            if why := _why(self._nodes[name], job, terms.deadline):
                ko[name] = why
            else:
                disk = self._nodes[name].disk
                disk.installed = True
                disk.bootable |= shipment.kind is ImageKind.DD  # which brings its own loader
        return Result(ok=NodeSet(nodes.names - ko.keys() - late), ko=ko)


async def _in_turns(names: Collection[str]) -> AsyncIterator[str]:
    """As the real driver does, which lets others use the loop in between."""
    for index, name in enumerate(names, 1):
        yield name
        if index % AT_ONCE == 0:
            await asyncio.sleep(0)


def _given(node: SimulatedNode, command: Command, key: str) -> Job:
    """The command's job on the node, begun now unless it was before."""
    if key in node.jobs:
        return node.jobs[key]
    node.ran.append(command.name)
    boot = node.boots
    more = node.strike()
    if math.isinf(more):
        job = Job(ends=math.inf, boot=boot)
    else:
        seconds = node.takes(node.timing.command.draw(node.random), on_disk=command.name in ON_DISK) + more
        reason = _carry_out(node, command)
        job = Job(ends=asyncio.get_running_loop().time() + seconds, reason=reason, boot=node.boots)
    node.jobs[key] = job
    return job


def _receiving(node: SimulatedNode, key: str) -> Job:
    if key in node.jobs:
        return node.jobs[key]
    boot, first = node.boots, Fault.CORRUPT_CHUNK
    if node.fault is Fault.DIES_IN_BROADCAST:
        node.die()
    more = math.inf if node.system is None else node.strike()
    seconds = node.takes(node.timing.broadcast.draw(node.random), on_disk=True)
    reason = ""
    if node.is_hung:
        more = node.timing.standstill
        reason = f"receive has stood still for {more:.0f} s"
    job = Job(ends=asyncio.get_running_loop().time() + seconds + more, reason=reason, boot=boot)
    if node.fault is first and node.left:
        node.left = 0
        job.reason = "chunk 7 is not what the manifest says, from three nodes"
    node.jobs[key] = job
    return job


def _carry_out(node: SimulatedNode, command: Command) -> str:
    """Do what the command does; the reason why not, or nothing."""
    match command.name:
        case "partition":
            least = _layout(command.args["layout"]).least_size
            if node.disk.size < least:
                return f"the disk is too small: {node.disk.size >> 20} MiB, the layout needs {least >> 20} MiB"
            node.disk.wipe()
        case "check_boot" if not node.disk.installed:
            return "its partition holds nothing to start: neither a boot sector nor a menu of GRUB"
        case "install_bootloader":
            node.disk.bootable = node.disk.installed
        case "kexec_exec":
            node.kexec()
        case "reboot":
            node.restart()
    return ""


def _layout(parts: object) -> Layout:
    return Layout(partitions=tuple(Partition(**part) for part in cast(Sequence[dict[str, Any]], parts)))


@dataclass(frozen=True, slots=True)
class Waits:
    """When each node is through with its job, in seconds from `began` on, and how long they are all waited for."""

    ends: Mapping[str, float]
    seconds: float
    parting: Late | None = None

    @classmethod
    def of(cls, nodes: Nodes, jobs: Mapping[str, Job], terms: Terms, others: Mapping[str, float]) -> Waits:
        now = asyncio.get_running_loop().time()
        ends = {**{name: _until(nodes[name], job, now) for name, job in jobs.items()}, **others}
        longest = max(0.0, min(terms.deadline, max(ends.values(), default=0.0)))
        parts = terms.company.would_part(ends.values()) if terms.company is not None else None
        return cls(ends, longest) if parts is None or parts.seconds >= longest else cls(ends, parts.seconds, parts)

    def late(self, terms: Terms) -> Set[str]:
        """Who is not through by now, if they were not waited for."""
        if self.parting is None or terms.company is None:
            return frozenset()
        terms.company.part(self.parting)
        return frozenset(name for name, seconds in self.ends.items() if seconds > self.seconds)


def _until(node: SimulatedNode, job: Job, now: float) -> float:
    if math.isinf(job.ends) and not node.is_hung:
        return node.timing.absence  # its connection is lost
    return job.ends - now


def _why(node: SimulatedNode, job: Job, deadline: float) -> str:
    """What has become of a job that nobody waits for any longer; nothing when it ended well."""
    if job.boot != node.boots:
        return "the node was restarted meanwhile"
    if math.isinf(job.ends) and not node.is_hung:
        return f"its agent has not been connected for {node.timing.absence:.0f} s"
    if job.ends > asyncio.get_running_loop().time() + 0.001:
        return f"it did not end in {deadline:.0f} s"
    return job.reason
