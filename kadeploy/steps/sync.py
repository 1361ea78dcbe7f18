"""`sync`: everything written is on the disk."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.nodeset import NodeSet
from kadeploy.ports.remote import Command
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.on_nodes import on_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    timeout: float = 600.0

    name = "sync"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        return await on_nodes(context, nodes, lambda _: Command(name="sync"), self.timeout)
