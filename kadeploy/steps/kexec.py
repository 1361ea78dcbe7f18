"""`kexec`: start another kernel without the firmware.

From the minimal environment into what was installed; or from the system that runs now into the minimal environment,
whose kernel was sent before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from kadeploy.domain.boot import BootTarget
from kadeploy.domain.disk import partition_path
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.ports.remote import Command
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.on_nodes import on_nodes
from kadeploy.steps.send_deployment_kernel import NO_SSH, initrd_path, kernel_path

# An orderly reboot, in the course of which the loaded kernel is started: what was written is on the disk.
_LEAVE: Final = ("systemctl", "--no-block", "kexec")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kexec:
    """Into the installed system: its kernel is loaded while the tree is mounted, started when it no longer is.

    Into the minimal environment: `minimal` is what is booted, `folder` where its files are on the node.
    """

    tree: str = ""
    root_number: int = 0
    kernel: str = ""
    initrd: str = ""
    params: str = ""
    minimal: BootTarget | None = None
    folder: str = ""
    timeout: float = 120.0

    name = "kexec"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        if self.minimal is not None:
            return StepResult(result=await self._into_minimal(context, nodes, self.minimal))
        return await self._into_installed(context, nodes)

    async def _into_minimal(self, context: Context, nodes: NodeSet, target: BootTarget) -> Result:
        running, boot = context.services.running, context.services.boot
        if running is None:
            return Result.failed(nodes, NO_SSH)
        arguments = {name: " ".join((await boot.direct(name, target)).arguments) for name in nodes}
        deadline = context.seconds(self.timeout)

        def load(name: str) -> tuple[str, ...]:
            initrd = f"--initrd={initrd_path(self.folder)}"
            return ("kexec", "--load", kernel_path(self.folder), initrd, f"--command-line={arguments[name]}")

        loaded = await running.run(nodes, load, deadline=deadline)
        if not loaded.ok:
            return loaded
        left = await running.run(loaded.ok, lambda _: _LEAVE, deadline=deadline, leaves=True)
        return Result.in_turn(loaded, left)

    async def _into_installed(self, context: Context, nodes: NodeSet) -> StepResult:
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
            return StepResult.of(nodes, loaded)
        left = (await on_nodes(context, loaded.ok, leave, self.timeout, part="exec", leaves=True)).result
        return StepResult.of(nodes, Result.in_turn(loaded, left))
