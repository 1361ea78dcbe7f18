"""`power`: switch nodes on or off, or ask."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import Level, PowerAction
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.in_window import in_window


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPower:
    action: PowerAction
    level: Level

    name = "power"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        power = context.services.power
        match self.action:
            case PowerAction.ON:
                return await in_window(context, nodes, lambda unit: power.on(unit, self.level))
            case PowerAction.OFF:
                return await in_window(context, nodes, lambda unit: power.off(unit, self.level))
            case PowerAction.STATUS:
                return StepResult(result=await power.status(nodes))
