"""Whether a user may operate nodes now: every node must be covered, and for a deployment its target partition."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.rights import holders, refused
from kadeploy.errors import NoRights
from kadeploy.operations.caller import Caller
from kadeploy.operations.groups import Groups
from kadeploy.ports.clock import Clock
from kadeploy.ports.store import Rights


class Permission:
    """`enforced` is false where the configuration says `rights.kind: dummy`: then everybody may do everything."""

    def __init__(self, rights: Rights, groups: Groups, clock: Clock, *, enforced: bool = True) -> None:
        self._rights = rights
        self._groups = groups
        self._clock = clock
        self._enforced = enforced

    def adopt(self, groups: Mapping[str, Iterable[str]], *, system_groups: bool, enforced: bool) -> None:
        """From now on."""
        self._groups.adopt(groups, counts=system_groups)
        self._enforced = enforced

    async def check(self, caller: Caller, nodes: NodeSet, partition_of: Mapping[str, str] | None = None) -> None:
        """Raises NoRights naming the nodes; without `partition_of` any right on a node suffices."""
        without = await self.lacking(caller.name, caller.groups, nodes, partition_of)
        if not without:
            return
        partitions = sorted({partition_of[name] for name in without}) if partition_of else []
        where = f", partition {', '.join(partitions)}" if partitions else ""
        raise NoRights(f"{caller.name} has no right on {without}{where}", hint="ask an administrator: karights -a")

    async def lacking(
        self, user: str, shown: Iterable[str], nodes: NodeSet, partition_of: Mapping[str, str] | None = None
    ) -> NodeSet:
        """The nodes on which the user has none; `shown` are the groups that their token names."""
        if not self._enforced or not nodes:
            return NodeSet()
        groups = await self._groups.of(user, shown)
        rights = await self._rights.of(*holders(user, groups))
        return refused(rights, nodes, dict(partition_of) if partition_of else None, at=self._clock.now())
