"""How long an operation that goes on was expected to take: told to who watches it, in the words of a dry run."""

from __future__ import annotations

from collections.abc import Mapping

from kadeploy.domain.expected import Expected
from kadeploy.domain.node import Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation
from kadeploy.operations.expectations import expectations
from kadeploy.plans.codec import decode
from kadeploy.ports.statistics import Statistics


class Foresight:
    """The use case."""

    def __init__(self, site: Site, statistics: Statistics) -> None:
        self._site = site
        self._statistics = statistics

    async def of(self, operation: Operation) -> Mapping[str, Expected | None]:
        """None for a cluster of which nothing is known."""
        here = NodeSet(name for name in operation.nodes if name in self._site.nodes)
        groups = self._site.by_cluster(here)
        plans = {cluster: decode(plan) for cluster, plan in operation.plans.items() if cluster in groups}
        counts = {cluster: len(groups[cluster]) for cluster in plans}
        return await expectations(self._statistics, operation.kind, plans, counts)
