"""VLANs by the administrators' command: Kadeploy3's `network.vlan.set_cmd`."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.errors import InvalidVlan
from kadeploy.process import run

NODES: Final = "NODES"
VLAN_ID: Final = "VLAN_ID"
USER: Final = "USER"


@dataclass(slots=True, kw_only=True)
class CommandVlan:
    """`command` is argv with placeholders: the word NODES stands for `-m NODE` for each node, VLAN_ID and USER inside a
    word for what they say; where it is empty there are no VLANs. `suffix`, with VLAN_ID in it, is put behind a node's
    short name for its name in a VLAN; empty where nodes have the same address in all. Both may change at any time."""

    command: tuple[str, ...] = ()
    suffix: str = ""

    @property
    def is_offered(self) -> bool:
        return bool(self.command)

    async def set(self, nodes: NodeSet, vlan: str, *, user: str, deadline: float) -> Result:
        """One command for all; its failure is everybody's."""
        if not self.is_offered:
            return Result.failed(nodes, "this server moves no nodes between VLANs")
        finished = await run(tuple(self._argv(nodes, vlan, user)), deadline=deadline)
        return Result(ok=nodes) if finished.ok else Result.failed(nodes, finished.reason)

    async def addresses(self, nodes: NodeSet, vlan: str) -> Mapping[str, str]:
        if not self.suffix:
            return {}
        names = {name: self.name_of(name, vlan) for name in nodes}
        found = await asyncio.gather(*(_resolved(name) for name in names.values()))
        addresses = dict(zip(names, found, strict=True))
        if missing := [names[name] for name, address in addresses.items() if not address]:
            raise InvalidVlan(f"vlan: {', '.join(missing[:10])} cannot be resolved")
        return addresses

    def name_of(self, node: str, vlan: str) -> str:
        """`node-1-kavlan-3.site.org` for `node-1.site.org` and the suffix `-kavlan-VLAN_ID`."""
        short, dot, domain = node.partition(".")
        return f"{short}{self.suffix.replace(VLAN_ID, vlan)}{dot}{domain}"

    def _argv(self, nodes: NodeSet, vlan: str, user: str) -> Iterator[str]:
        for word in self.command:
            if word == NODES:
                yield from _each(list(nodes))
            else:
                yield word.replace(VLAN_ID, vlan).replace(USER, user)


def _each(names: Sequence[str]) -> Iterator[str]:
    for name in names:
        yield from ("-m", name)


async def _resolved(name: str) -> str:
    """Its first address, empty when it has none."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except OSError:
        return ""
    return str(found[0][4][0]) if found else ""
