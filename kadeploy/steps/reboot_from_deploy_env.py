"""`reboot_from_deploy_env`: the minimal environment reboots itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.ports.remote import Command
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.in_window import in_window
from kadeploy.steps.on_nodes import on_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class RebootFromDeployEnv:
    timeout: float = 30.0

    name = "reboot_from_deploy_env"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        waiting = replace(context, patience=None)  # for every node of a unit, which is let through as one

        async def order(unit: NodeSet) -> Result:
            return (await on_nodes(waiting, unit, lambda _: Command(name="reboot"), self.timeout)).result

        return await in_window(context, nodes, order)
