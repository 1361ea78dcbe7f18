"""VLAN: move nodes to another network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result


class Vlan(Protocol):
    """`vlan` is the network's own name; `DEFAULT` is the one that nodes are installed in."""

    @property
    def is_offered(self) -> bool:
        """Whether there are VLANs to move nodes to, now."""
        ...

    async def set(self, nodes: NodeSet, vlan: str, *, user: str, deadline: float) -> Result: ...

    async def addresses(self, nodes: NodeSet, vlan: str) -> Mapping[str, str]:
        """Each node's IP address in that VLAN, empty where it is the same in all; raises InvalidVlan naming the nodes
        that have none."""
        ...
