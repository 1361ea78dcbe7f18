"""Whether a user may operate nodes: every node must be covered, and for a deployment its target partition."""

from __future__ import annotations

from collections.abc import Mapping

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.rights import refused
from kadeploy.errors import NoRights
from kadeploy.ports.store import Rights


class Permission:
    """`enforced` is false where the configuration says `rights.kind: dummy`: then everybody may do everything."""

    def __init__(self, rights: Rights, *, enforced: bool = True) -> None:
        self._rights = rights
        self._enforced = enforced

    async def check(self, user: str, nodes: NodeSet, partition_of: Mapping[str, str] | None = None) -> None:
        """Raises NoRights naming the nodes; without `partition_of` any right on a node suffices."""
        without = await self.lacking(user, nodes, partition_of)
        if not without:
            return
        partitions = sorted({partition_of[name] for name in without}) if partition_of else []
        where = f", partition {', '.join(partitions)}" if partitions else ""
        raise NoRights(f"{user} has no right on {without}{where}", hint="ask an administrator: karights -a")

    async def lacking(self, user: str, nodes: NodeSet, partition_of: Mapping[str, str] | None = None) -> NodeSet:
        if not self._enforced:
            return NodeSet()
        return refused(await self._rights.of(user), nodes, dict(partition_of) if partition_of else None)
