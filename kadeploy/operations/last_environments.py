"""What was last installed on nodes, and whether it damages what is on their disks."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.nodeset import NodeSet
from kadeploy.errors import Destructive
from kadeploy.ports.store import Environments, Nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class LastEnvironments:
    nodes: Nodes
    environments: Environments

    async def refuse_destructive(self, nodes: NodeSet) -> None:
        """Raises Destructive naming the nodes whose last environment is tagged so."""
        records = await self.nodes.get(nodes)
        bad = [
            name for name, record in records.items() if record.environment and await self._is_bad(record.environment)
        ]
        if bad:
            raise Destructive(
                f"the environment last deployed on {NodeSet(bad)} is destructive", hint="deploy another one there"
            )

    async def _is_bad(self, reference: object) -> bool:
        assert isinstance(reference, dict)
        name, user, version = (reference.get(key) for key in ("name", "user", "version"))
        found = await self.environments.find(name=str(name), user=str(user), version=version)
        return any(one.destructive for one in found)
