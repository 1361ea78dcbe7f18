"""`check_boot_partition`: the partition that was asked for holds something to start, before the node leaves for it."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.nodeset import NodeSet
from kadeploy.ports.remote import Command
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.on_nodes import on_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckBootPartition:
    number: int
    timeout: float = 60.0

    name = "check_boot_partition"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        site = context.services.site

        def check(node: str) -> Command:
            return Command(name="check_boot", args={"disk": site.nodes[node].block_device, "number": self.number})

        return await on_nodes(context, nodes, check, self.timeout)
