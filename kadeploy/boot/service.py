"""Deciding what nodes boot: the `Boot` port on the catalogue."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.boot.catalog import Catalog
from kadeploy.boot.menus.ipxe import kernel_words
from kadeploy.domain.boot import BootTarget
from kadeploy.domain.node import Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogBoot:
    """Nodes ask for their boot each time, so that a decision is effective once it is recorded."""

    site: Site
    catalog: Catalog

    async def set(self, nodes: NodeSet, target: BootTarget) -> Result:
        """Raises BadConfiguration for kernel arguments that cannot be passed on."""
        kernel_words(target.params)
        ko = {name: reason for name in nodes if (reason := self._fault(name))}
        fine = nodes - NodeSet(ko)
        if fine:
            await self.catalog.set(fine, target)
        return Result(ok=fine, ko=ko)

    def _fault(self, name: str) -> str:
        if name not in self.site.nodes:
            return "not a node of this site"
        return "" if self.site.nodes[name].mac else "cannot be recognised when it boots: no MAC is configured"
