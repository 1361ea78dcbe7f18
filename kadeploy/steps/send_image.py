"""`send_environment`: the image goes to all nodes through the chain, straight into its place."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.image import Compression, ImageKind, LocalFile
from kadeploy.domain.nodeset import NodeSet
from kadeploy.ports.step import Context, StepResult


@dataclass(frozen=True, slots=True, kw_only=True)
class SendImage:
    image: LocalFile
    kind: ImageKind
    compression: Compression
    destination: str
    timeout: float = 3600.0

    name = "send_environment"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        result = await context.services.broadcast.send(
            nodes,
            self.image,
            kind=self.kind,
            compression=self.compression,
            destination=self.destination,
            key=context.key,
            deadline=min(self.timeout, context.time_left),
            report=context.report,
        )
        return StepResult(result=result)
