"""`Session`: a node whose agent is connected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kadeploy.drivers.agents.link import AgentLink


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """`boot` names the boot of the node, `issued_at` (seconds since the epoch) is when the token it proved was
    made, `address` where it called from, `server` the address of this server that it called."""

    node: str
    boot: str
    issued_at: float
    address: str
    server: str
    link: AgentLink = field(repr=False)
    facts: Mapping[str, object] = field(default_factory=dict, repr=False)
