"""VLANs of simulated nodes: the site's own command would move real ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result


@dataclass(slots=True, kw_only=True)
class SimulatedVlans:
    """Implements ports.vlan.Vlan. `is_offered` may change at any time."""

    is_offered: bool = False

    async def set(self, nodes: NodeSet, vlan: str, *, user: str, deadline: float) -> Result:
        return Result(ok=nodes)

    async def addresses(self, nodes: NodeSet, vlan: str) -> Mapping[str, str]:
        """A simulated node has none."""
        return {}
