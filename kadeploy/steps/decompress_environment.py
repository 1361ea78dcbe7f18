"""`decompress_environment`: an image that was stored on the node goes to its place on the disk."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.disk import partition_path
from kadeploy.domain.image import Compression, ImageKind
from kadeploy.domain.nodeset import NodeSet
from kadeploy.ports.remote import Command
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.on_nodes import on_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class DecompressEnvironment:
    """From the file `stored`: a tar image into `tree`, others onto the partition `number`. Of a file system archive
    the part `archive_id` is taken."""

    stored: str
    kind: ImageKind
    compression: Compression
    number: int
    tree: str
    archive_id: int = 0
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
                    "archive_id": self.archive_id,
                },
            )

        return await on_nodes(context, nodes, command, self.timeout)
