"""Deciding what nodes boot: the `Boot` port on the catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kadeploy.boot.catalog import Catalog
from kadeploy.boot.menus import ipxe
from kadeploy.boot.minimal import MinimalBoots
from kadeploy.domain.boot import BootTarget
from kadeploy.domain.node import Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.errors import BadConfiguration
from kadeploy.ports.boot import DirectBoot


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogBoot:
    """Nodes ask for their boot each time, so that a decision is effective once it is recorded.

    `boots` and `agent`, the agent's zipapp as a file, are for systems that start the minimal environment themselves.
    """

    site: Site
    catalog: Catalog
    boots: MinimalBoots | None = None
    agent: Path | None = None

    async def set(self, nodes: NodeSet, target: BootTarget, *, only_from_minimal: bool = False) -> Result:
        """Raises BadConfiguration for kernel arguments that cannot be passed on."""
        if target.is_minimal:
            ipxe.kernel_words(target.params)
        ko = {name: reason for name in nodes if (reason := self._fault(name))}
        fine = nodes - NodeSet(ko)
        if others := self.catalog.in_minimal(fine) if only_from_minimal else fine:
            await self.catalog.set(others, target)
        return Result(ok=fine, ko=ko)

    async def direct(self, node: str, target: BootTarget) -> DirectBoot:
        """Raises BadConfiguration where no minimal environment is served."""
        if self.boots is None or self.agent is None:
            raise BadConfiguration("this server has no minimal environment to hand out")
        words = ipxe.words(await self.boots.of(self.catalog.named(node, target)))
        minimal = self.boots.minimal
        return DirectBoot(
            kernel=str(minimal.kernel), initrd=str(minimal.initrd), agent=str(self.agent), arguments=words
        )

    def _fault(self, name: str) -> str:
        if name not in self.site.nodes:
            return "not a node of this site"
        return "" if self.site.nodes[name].mac else "cannot be recognised when it boots: no MAC is configured"
