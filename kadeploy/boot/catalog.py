"""The one question behind every way to boot: what does this machine boot now?

Answers come from memory, which holds what the store holds: a target is recorded before anybody is told of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from kadeploy.domain.boot import LOCAL_DISK, BootTarget
from kadeploy.domain.node import Cluster, Nfsroot, Node, Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.ports.store import BootTargets


@dataclass(frozen=True, slots=True, kw_only=True)
class Booting:
    """A node, and what it boots when it asks now."""

    node: Node
    cluster: Cluster
    target: BootTarget


class Catalog:
    """Every node boots its own disk until it is told otherwise.

    `also_from`: networks that nodes come from beside their own addresses.
    """

    def __init__(self, site: Site, store: BootTargets, *, also_from: Sequence[IPv4Network | IPv6Network] = ()) -> None:
        self._site = site
        self._store = store
        self._targets: dict[str, BootTarget] = {}
        self._writing = asyncio.Lock()  # memory changes in the order of the store
        self._by_mac: dict[str, Node] = {}
        self._by_address: dict[str, Node] = {}
        self.look_again(also_from)

    def look_again(self, also_from: Sequence[IPv4Network | IPv6Network]) -> None:
        """The site's nodes, or the networks that they come from, have changed."""
        self._also_from = also_from
        nodes = self._site.nodes.values()
        self._by_mac = {plain_mac(node.mac): node for node in nodes if node.mac}
        self._by_address = {plain_address(node.address): node for node in nodes if node.address}

    async def load(self) -> None:
        """Once, before the first question."""
        self._targets = dict(await self._store.get_all())

    async def set(self, nodes: NodeSet, target: BootTarget) -> None:
        async with self._writing:
            await self._store.set(nodes, target)
            self._targets.update(dict.fromkeys(nodes, target))

    def in_minimal(self, nodes: NodeSet) -> NodeSet:
        """Those of them that boot the minimal environment."""
        return NodeSet(name for name in nodes if self._targets.get(name, LOCAL_DISK).is_minimal)

    def of_mac(self, mac: str) -> Booting | None:
        """With colons or dashes, in either case."""
        return self._booting(self._by_mac.get(plain_mac(mac)))

    def of_address(self, address: str) -> Booting | None:
        return self._booting(self._by_address.get(plain_address(address)))

    def may_come_from(self, name: str, address: str) -> bool:
        """Whether that node may be who speaks from there."""
        node = self._site.nodes.get(name)
        return node is not None and (plain_address(node.address) == plain_address(address) or self._translates(address))

    def is_of_a_node(self, address: str) -> bool:
        """Whether some node of the site may be who speaks from there."""
        return plain_address(address) in self._by_address or self._translates(address)

    def _translates(self, address: str) -> bool:
        try:
            where = ip_address(plain_address(address))
        except ValueError:
            return False
        return any(where in network for network in self._also_from)

    def named(self, name: str, target: BootTarget) -> Booting:
        """A node of this site that boots something else than it would when it asks."""
        node = self._site.nodes[name]
        return Booting(node=node, cluster=self._site.clusters[node.cluster], target=target)

    def nfsroot_of(self, cluster: str) -> Nfsroot | None:
        described = self._site.clusters.get(cluster)
        return described.nfsroot if described else None

    def _booting(self, node: Node | None) -> Booting | None:
        if node is None:
            return None
        target = self._targets.get(node.name, LOCAL_DISK)
        return Booting(node=node, cluster=self._site.clusters[node.cluster], target=target)


def plain_mac(mac: str) -> str:
    return mac.strip().lower().replace("-", ":")


def plain_address(address: str) -> str:
    """One spelling for each address; a socket open to both families writes 10.0.0.1 as ::ffff:10.0.0.1."""
    try:
        plain = ip_address(address.strip())
    except ValueError:
        return address
    return str((plain.ipv4_mapped or plain) if isinstance(plain, IPv6Address) else plain)
