"""The VLAN that a request asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from kadeploy.domain.nodeset import NodeSet
from kadeploy.errors import InvalidVlan
from kadeploy.ports.vlan import Vlan

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")


class Vlans:
    """`port` is None where the configuration has no way to move nodes."""

    def __init__(self, port: Vlan | None) -> None:
        self._port = port

    @property
    def are_offered(self) -> bool:
        return self._port is not None and self._port.is_offered

    def check(self, vlan: str) -> str:
        """Raises InvalidVlan."""
        if vlan and not self.are_offered:
            raise InvalidVlan(
                "vlan: this server moves no nodes between VLANs", hint="network.vlan.set_cmd of server.conf would"
            )
        if vlan and not _NAME.match(vlan):
            raise InvalidVlan(f"vlan: must be letters, digits and _.- only, not {vlan!r}")
        return vlan

    async def addresses(self, nodes: NodeSet, vlan: str) -> Mapping[str, str]:
        """Each node's in that VLAN, where it has another there; raises InvalidVlan naming those without one."""
        if not vlan or self._port is None:
            return {}
        return await self._port.addresses(nodes, vlan)
