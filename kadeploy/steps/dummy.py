"""`dummy`: does nothing for a moment, for trying plans out."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.ports.step import Context, StepResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Dummy:
    """Seconds, drawn between two bounds from the execution's own name."""

    shortest: float = 0.2
    longest: float = 1.0

    name = "dummy"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        await asyncio.sleep(random.Random(context.key).uniform(self.shortest, self.longest))
        return StepResult(result=Result(ok=nodes))
