"""`send_deployment_kernel`: the minimal environment's kernel and initrd go to the system that runs now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kadeploy.domain.boot import BootTarget
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.ports.step import Context, StepResult

NO_SSH: Final = "this server has no SSH key with which to reach a running system"


def kernel_path(folder: str) -> str:
    return f"{folder}/vmlinuz"


def initrd_path(folder: str) -> str:
    return f"{folder}/initrd"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendDeploymentKernel:
    """`folder` is where they are put on the node."""

    target: BootTarget
    folder: str
    timeout: float = 300.0

    name = "send_deployment_kernel"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        running = context.services.running
        if running is None:
            return StepResult(result=Result.failed(nodes, NO_SSH))
        files = await context.services.boot.direct(nodes.first(), self.target)
        sent = {kernel_path(self.folder): files.kernel, initrd_path(self.folder): files.initrd}
        return StepResult(result=await running.put(nodes, sent, deadline=context.seconds(self.timeout)))
