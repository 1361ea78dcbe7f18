"""`switch_pxe`: make the nodes boot something else next time."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.boot import BootTarget
from kadeploy.domain.nodeset import NodeSet
from kadeploy.ports.step import Context, StepResult


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchBoot:
    target: BootTarget

    name = "switch_pxe"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        return StepResult(result=await context.services.boot.set(nodes, self.target))
