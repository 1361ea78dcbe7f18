"""`install_bootloader`: the node boots the installed system from its own disk, by BIOS or UEFI."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.disk import partition_path
from kadeploy.domain.nodeset import NodeSet
from kadeploy.ports.remote import Command
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.on_nodes import on_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallBootloader:
    """`boot_number` is the partition that becomes the EFI system partition under UEFI."""

    tree: str
    root_number: int
    boot_number: int
    kernel: str
    initrd: str
    params: str
    timeout: float = 300.0

    name = "install_bootloader"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        site = context.services.site

        def command(name: str) -> Command:
            node = site.nodes[name]
            return Command(
                name="install_bootloader",
                args={
                    "tree": self.tree,
                    "firmware": node.firmware,
                    "device": node.block_device,
                    "root": partition_path(node.block_device, self.root_number),
                    "esp": partition_path(node.block_device, self.boot_number),
                    "esp_number": self.boot_number,
                    "kernel": self.kernel,
                    "initrd": self.initrd,
                    "params": self.params,
                },
            )

        return await on_nodes(context, nodes, command, self.timeout)
