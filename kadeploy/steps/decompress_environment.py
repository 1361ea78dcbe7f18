"""`decompress_environment`: an image that was stored on the node goes to its place on the disk."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.disk import partition_path
from kadeploy.domain.environment import Part
from kadeploy.domain.image import Compression, ImageKind
from kadeploy.domain.nodeset import NodeSet
from kadeploy.ports.remote import Command
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.on_nodes import on_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class DecompressEnvironment:
    """From the file `stored`: a tar image into `tree`, others onto the partition `number`. Of a file system archive
    these `parts` are taken; one without a device goes to that partition, too."""

    stored: str
    kind: ImageKind
    compression: Compression
    number: int
    tree: str
    parts: tuple[Part, ...] = ()
    timeout: float = 3600.0

    name = "decompress_environment"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        site = context.services.site

        def command(name: str) -> Command:
            device = partition_path(site.nodes[name].block_device, self.number)
            return Command(
                name="restore",
                args={
                    "file": self.stored,
                    "kind": self.kind,
                    "compression": self.compression,
                    "destination": self.tree if self.kind is ImageKind.TAR else device,
                    "parts": [{"id": part.id, "destination": part.device or device} for part in self.parts],
                },
            )

        return await on_nodes(context, nodes, command, self.timeout)
