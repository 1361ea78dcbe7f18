"""`set_vlan`: the nodes' switch ports go to another network."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.ports.step import Context, StepResult


@dataclass(frozen=True, slots=True, kw_only=True)
class SetVlan:
    """Once for the whole set."""

    vlan: str
    timeout: float = 120.0

    name = "set_vlan"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        vlan = context.services.vlan
        if vlan is None:
            return StepResult(result=Result.failed(nodes, "this server moves no nodes between VLANs"))
        deadline = context.seconds(self.timeout)
        return StepResult(result=await vlan.set(nodes, self.vlan, user=context.user, deadline=deadline))
