"""`format_deploy_part`, `format_tmp_part`, `format_swap_part`: make a file system, or swap space."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.disk import Role, partition_path
from kadeploy.domain.nodeset import NodeSet
from kadeploy.ports.remote import Command
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.on_nodes import on_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """`filesystem` is an mkfs type, or `swap`. `keep` leaves a partition alone that holds some file system."""

    role: Role
    number: int
    filesystem: str
    keep: bool = False
    timeout: float = 300.0

    @property
    def name(self) -> str:
        return f"format_{self.role}_part"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        site = context.services.site

        def command(name: str) -> Command:
            device = partition_path(site.nodes[name].block_device, self.number)
            return Command(name="format", args={"device": device, "filesystem": self.filesystem, "keep": self.keep})

        return await on_nodes(context, nodes, command, self.timeout)
