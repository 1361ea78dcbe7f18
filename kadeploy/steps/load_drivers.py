"""`load_drivers`: kernel modules that the minimal environment does not load by itself."""

from __future__ import annotations

from dataclasses import dataclass

from kadeploy.domain.nodeset import NodeSet
from kadeploy.ports.remote import Command
from kadeploy.ports.step import Context, StepResult
from kadeploy.steps.on_nodes import on_nodes


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadDrivers:
    drivers: tuple[str, ...]
    timeout: float = 60.0

    name = "load_drivers"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        load = Command(name="load_drivers", args={"drivers": list(self.drivers)})
        return await on_nodes(context, nodes, lambda _: load, self.timeout)
