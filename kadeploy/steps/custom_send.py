"""`custom_send`: a file is put in a place on each node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kadeploy.domain.custom import NodeFile
from kadeploy.domain.exported import EXTRACTION, TEMPORARY, Exported, substitute
from kadeploy.domain.image import Compression, ImageKind, LocalFile
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.ports.broadcast import Shipment
from kadeploy.ports.remote import Command
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.on_nodes import UNBOUNDED, together, told_by_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomSend:
    """`label` is the operation's own name. `destination` is a path, in which variables are replaced; a directory
    takes the file under its own name. `chain`: the file goes from node to node, in place of being fetched by each from
    the server. How long it may take is the plan's affair."""

    label: str
    file: NodeFile
    destination: str
    mode: int
    variables: Exported
    chain: LocalFile | None = None

    @property
    def name(self) -> str:
        return f"custom_send:{self.label}"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        if self.chain is None:
            return await self._put(context, nodes, self.file.arguments())
        arrived = f"{TEMPORARY}/kadeploy-{self.chain.sha256}"
        shipment = Shipment(
            image=self.chain,
            kind=ImageKind.FSA,  # the kind that is stored as it is
            compression=Compression.NONE,
            destination=lambda _: arrived,
        )
        broadcast = context.services.broadcast
        asked = await together(
            context, nodes, lambda terms: broadcast.send(nodes, shipment, terms), UNBOUNDED, part="chain"
        )
        sent = asked.result
        here = {"name": self.file.name, "url": f"file://{arrived}", "remove": arrived}
        placed = (await self._put(context, sent.ok, here)).result if sent.ok else Result()
        return StepResult.of(nodes, Result.in_turn(sent, placed))

    async def _put(self, context: Context, nodes: NodeSet, source: Mapping[str, object]) -> StepResult:
        site = context.services.site

        def command(name: str) -> Command:
            variables = self.variables.of(site.nodes[name], operation=context.operation, user=context.user)
            place = {"destination": substitute(self.destination, variables), "mode": self.mode, "tree": EXTRACTION}
            return Command(name="put_file", args={**source, **place})

        return await told_by_nodes(context, nodes, command)
