"""`create_partition_table`: lay the disk out."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from kadeploy.domain.disk import Layout
from kadeploy.domain.nodeset import NodeSet
from kadeploy.ports.remote import Command
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.on_nodes import on_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePartitionTable:
    layout: Layout
    timeout: float = 120.0

    name = "create_partition_table"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        site = context.services.site
        layout = [asdict(part) for part in self.layout.partitions]

        def command(name: str) -> Command:
            node = site.nodes[name]
            return Command(
                name="partition", args={"device": node.block_device, "firmware": node.firmware, "layout": layout}
            )

        return await on_nodes(context, nodes, command, self.timeout)
