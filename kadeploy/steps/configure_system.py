"""`configure_system`: make the unpacked tree this node's own: its name, its file systems, its identity."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kadeploy.domain.disk import partition_path
from kadeploy.domain.nodeset import NodeSet
from kadeploy.ports.remote import Command
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.on_nodes import on_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigureSystem:
    """`mounts` maps a partition number to where the installed system mounts it; `swap` uses it as swap space."""

    tree: str
    mounts: Mapping[int, str]
    timeout: float = 60.0

    name = "configure_system"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        site = context.services.site

        def command(name: str) -> Command:
            device = site.nodes[name].block_device
            mounts = {partition_path(device, int(number)): where for number, where in self.mounts.items()}
            return Command(name="configure_system", args={"tree": self.tree, "hostname": name, "mounts": mounts})

        return await on_nodes(context, nodes, command, self.timeout)
