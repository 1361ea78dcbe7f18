"""`send_environment`: the image goes to all nodes at once, straight into its place or into a file."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from kadeploy.domain.disk import partition_path
from kadeploy.domain.image import Compression, ImageKind, LocalFile
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.domain.spread import Spread
from kadeploy.ports.broadcast import Shipment
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.on_nodes import together
from kadeploy.steps.renew_tree import RenewTree


class Place(StrEnum):
    """Where on a node: in the mounted tree, on the partition, on the whole disk, in a file."""

    TREE = "tree"
    PARTITION = "partition"
    DISK = "disk"
    FILE = "file"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendImage:
    """`path` is the tree's or the file's, `number` the partition's. `renew` empties the tree before it is sent again.
    `custom`: by the command that the cluster's configuration has for it; else `spread` is how, and `arity` as in a
    `Shipment`."""

    image: LocalFile
    kind: ImageKind
    compression: Compression
    place: Place
    path: str = ""
    number: int = 0
    renew: RenewTree | None = None
    custom: bool = False
    spread: Spread = Spread.CHAIN
    arity: int = 0
    timeout: float = 3600.0

    name = "send_environment"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        renewed = Result(ok=nodes)
        if context.again and self.renew is not None:
            renewed = (await self.renew.renew(context, nodes)).result
        sent = await self._send(context, renewed.ok) if renewed.ok else Result()
        return StepResult.of(nodes, Result.in_turn(renewed, sent))

    async def _send(self, context: Context, nodes: NodeSet) -> Result:
        services = context.services
        broadcast = services.custom_broadcast if self.custom else services.broadcast
        if broadcast is None:
            return Result.failed(nodes, "no command for a broadcast is configured")
        shipment = Shipment(
            image=self.image,
            kind=self.kind,
            compression=self.compression,
            destination=lambda name: self._destination(services.site.nodes[name].block_device),
            spread=self.spread,
            arity=self.arity,
        )
        asked = await together(context, nodes, lambda terms: broadcast.send(nodes, shipment, terms), self.timeout)
        context.tell(asked.result.outputs)
        return asked.result

    def _destination(self, block_device: str) -> str:
        match self.place:
            case Place.TREE | Place.FILE:
                return self.path
            case Place.PARTITION:
                return partition_path(block_device, self.number)
            case Place.DISK:
                return block_device
