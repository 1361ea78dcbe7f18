"""`renew_deploy_part`: an image is sent again onto an empty file system, never over what a failed try left."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.disk import partition_path
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.ports.remote import Command
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.on_nodes import on_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewTree:
    """Does nothing the first time: the partition has just been formatted and mounted."""

    number: int
    filesystem: str
    path: str
    timeout: float = 300.0

    name = "renew_deploy_part"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        if context.is_first:
            return StepResult(result=Result(ok=nodes))
        return await self.renew(context, nodes)

    async def renew(self, context: Context, nodes: NodeSet) -> StepResult:
        """Unmount, format, mount."""
        site = context.services.site

        def device(name: str) -> str:
            return partition_path(site.nodes[name].block_device, self.number)

        commands = (
            lambda _: Command(name="unmount", args={"path": self.path}),
            lambda name: Command(name="format", args={"device": device(name), "filesystem": self.filesystem}),
            lambda name: Command(name="mount", args={"device": device(name), "path": self.path}),
        )
        results: list[Result] = []
        left = nodes
        for index, command in enumerate(commands):
            result = (await on_nodes(context, left, command, self.timeout, part=f"renew{index}")).result
            results.append(result)
            left = result.ok
            if not left:
                break
        return StepResult.of(nodes, Result.in_turn(*results))
