"""What the boot room asks of the store, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kadeploy.domain.boot import BootTarget
from kadeploy.domain.node import Node, Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.errors import DatabaseProblem
from kadeploy.ports.store import IssuedToken
from kadeploy.testing.sites import site_of


class MemoryTargets:
    def __init__(self, targets: Mapping[str, BootTarget] | None = None) -> None:
        self.rows = dict(targets or {})
        self.broken = False

    async def get_all(self) -> Mapping[str, BootTarget]:
        return dict(self.rows)

    async def set(self, nodes: NodeSet, target: BootTarget) -> None:
        if self.broken:
            raise DatabaseProblem
        self.rows.update(dict.fromkeys(nodes, target))


class MemoryTokens:
    def __init__(self) -> None:
        self.issued: list[tuple[str, IssuedToken]] = []

    async def issue(self, node: str, *, at: float, token_hash: str) -> None:
        self.issued.append((node, IssuedToken(token_hash=token_hash, issued_at=at)))

    async def current(self, node: str) -> IssuedToken | None:
        return (await self.all()).get(node)

    async def all(self) -> Mapping[str, IssuedToken]:
        return dict(self.issued)


def site_with_macs(count: int, *, address: str = "10.215.0.{index}") -> Site:
    """`node-1` has 52:54:00:00:00:01 and 10.215.0.1, and so on."""
    site = site_of(count)
    nodes = {
        name: replace(node, mac=f"52:54:00:00:00:{index:02x}", address=address.format(index=index))
        for index, (name, node) in enumerate(site.nodes.items(), start=1)
    }
    return replace(site, nodes=nodes)


def node_of(name: str = "node-1", **changes: str) -> Node:
    return replace(site_with_macs(1).nodes["node-1"], name=name, **changes)  # type: ignore[arg-type]
