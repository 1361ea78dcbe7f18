"""`check_kernel_files`: the kernel and initrd that the description names are in the unpacked tree."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.nodeset import NodeSet
from kadeploy.ports.remote import Command
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.on_nodes import on_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckKernelFiles:
    tree: str
    files: tuple[str, ...]
    timeout: float = 60.0

    name = "check_kernel_files"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        check = Command(name="check_files", args={"tree": self.tree, "files": list(self.files)})
        return await on_nodes(context, nodes, lambda _: check, self.timeout)
