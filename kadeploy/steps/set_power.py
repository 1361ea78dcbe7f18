"""`power`: switch nodes on or off, or ask."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import Level, PowerAction
from kadeploy.ports.step import Context, StepResult


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPower:
    action: PowerAction
    level: Level

    name = "power"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        power = context.services.power
        match self.action:
            case PowerAction.ON:
                result = await power.on(nodes, self.level)
            case PowerAction.OFF:
                result = await power.off(nodes, self.level)
            case PowerAction.STATUS:
                result = await power.status(nodes)
        return StepResult(result=result)
