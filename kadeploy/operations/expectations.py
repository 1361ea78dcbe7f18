"""How long what was asked for is expected to take, cluster by cluster, from what is known of each."""

from __future__ import annotations

from collections.abc import Mapping

from kadeploy.domain.expected import LATEST, Expected, PlannedMacro, expected
from kadeploy.domain.state import OperationKind
from kadeploy.engine.plan import Plan
from kadeploy.ports.statistics import Statistics


async def expectations(
    statistics: Statistics, kind: OperationKind, plans: Mapping[str, Plan], counts: Mapping[str, int]
) -> Mapping[str, Expected | None]:
    """None for a cluster of which nothing is known."""
    return {
        cluster: expected(
            planned(plan),
            await statistics.trips(cluster, kind, LATEST),
            nodes=counts[cluster],
            image_size=plan.image_size,
        )
        for cluster, plan in plans.items()
    }


def planned(plan: Plan) -> tuple[PlannedMacro, ...]:
    """What each macro-step is begun with."""
    return tuple(
        PlannedMacro(
            macro=stage.macro,
            instance=stage.attempts[0].instance,
            steps=tuple(micro.name for micro in stage.attempts[0].steps),
        )
        for stage in plan.stages
    )
