"""`reboot`: make the nodes start again, at a level of force."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import Level
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.in_window import in_window


@dataclass(frozen=True, slots=True, kw_only=True)
class Reboot:
    """Each retry is one level more forceful, and so never soft: that would come back into the system that failed."""

    level: Level

    name = "reboot"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        level = self._level(context)
        if level is not self.level:
            context.decide(f"{nodes} are rebooted {level}: what was tried before did not bring them back")
        power = context.services.power
        return await in_window(context, nodes, lambda unit: power.cycle(unit, level))

    def _level(self, context: Context) -> Level:
        if context.is_first:
            return self.level
        level = self.level.harder(context.turn + context.again)
        return Level.HARD if level is Level.SOFT else level
