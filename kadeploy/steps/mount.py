"""`mount_deploy_part`, `mount_tmp_part` and `umount_deploy_part`."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.disk import Role, partition_path
from kadeploy.domain.nodeset import NodeSet
from kadeploy.ports.remote import Command
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.on_nodes import on_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    number: int
    path: str
    role: Role = Role.DEPLOY
    timeout: float = 60.0

    @property
    def name(self) -> str:
        return f"mount_{self.role}_part"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        site = context.services.site

        def command(name: str) -> Command:
            device = partition_path(site.nodes[name].block_device, self.number)
            return Command(name="mount", args={"device": device, "path": self.path})

        return await on_nodes(context, nodes, command, self.timeout)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmount:
    path: str
    timeout: float = 120.0

    name = "umount_deploy_part"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        unmount = Command(name="unmount", args={"path": self.path})
        return await on_nodes(context, nodes, lambda _: unmount, self.timeout)
