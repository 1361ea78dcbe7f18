"""`produce_bad_nodes`: fails some nodes, for trying out what a plan does then."""

from __future__ import annotations

import random
from dataclasses import dataclass

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.ports.step import Context, StepResult


@dataclass(frozen=True, slots=True, kw_only=True)
class ProduceBadNodes:
    """`share` of the nodes, drawn from the execution's own name."""

    share: float = 0.2

    name = "produce_bad_nodes"

    async def run(self, context: Context, nodes: NodeSet) -> StepResult:
        draw = random.Random(context.key)
        ko = {name: "was made to fail" for name in nodes if draw.random() < self.share}
        return StepResult(result=Result(ok=nodes - NodeSet(ko), ko=ko))
