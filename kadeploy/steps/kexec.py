"""`kexec`: start the installed kernel from the minimal environment, without the firmware."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.disk import partition_path
from kadeploy.domain.nodeset import NodeSet
from kadeploy.ports.remote import Command
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.on_nodes import on_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class Kexec:
    """The kernel is loaded while the tree is mounted, started when it no longer is."""

    tree: str
    root_number: int
    kernel: str
    initrd: str
    params: str
    timeout: float = 120.0

    name = "kexec"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        site = context.services.site

        def load(name: str) -> Command:
            return Command(
                name="kexec_load",
                args={
                    "tree": self.tree,
                    "root": partition_path(site.nodes[name].block_device, self.root_number),
                    "kernel": self.kernel,
                    "initrd": self.initrd,
                    "params": self.params,
                },
            )

        def leave(_: str) -> Command:
            return Command(name="kexec_exec", args={"tree": self.tree})

        loaded = (await on_nodes(context, nodes, load, self.timeout, part="load")).result
        if not loaded.ok:
            return StepResult(result=loaded)
        left = (await on_nodes(context, loaded.ok, leave, self.timeout, part="exec", leaves=True)).result
        return StepResult(result=left.merge(loaded, left))
