"""`reboot`: make the nodes start again, at a level of force."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import Level
from kadeploy.ports.step import Context, StepResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Reboot:
    """Never soft on a retry: it would come back into the system that just failed."""

    level: Level

    name = "reboot"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        level = Level.HARD if context.turn and self.level is Level.SOFT else self.level
        return StepResult(result=await context.services.power.cycle(nodes, level))
