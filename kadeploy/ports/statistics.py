"""The repository of what is known of past operations; its rows are written by `ports.record` and its like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import OperationKind
from kadeploy.domain.statistics import Boots, NodeRow, Tally, Trip, Wanted


class Statistics(Protocol):
    async def rows(
        self, wanted: Wanted, *, sort: Sequence[str] = (), limit: int, offset: int = 0, steps: bool = False
    ) -> Sequence[NodeRow]:
        """A page of the rows; `sort` names fields in `domain.statistics.SORTED_BY`, with `-` in front for the largest
        first. Micro-steps are left out unless `steps`."""
        ...

    async def nodes(self, wanted: Wanted) -> Mapping[str, tuple[int, int]]:
        """Of each node how many rows tell of success and how many of failure; aborted ones tell of neither."""
        ...

    async def tallies(self, wanted: Wanted) -> Sequence[Tally]:
        """All rows, counted by what they have in common."""
        ...

    async def trips(self, cluster: str, kind: OperationKind, limit: int) -> Sequence[tuple[Trip, int]]:
        """The latest on which nodes succeeded, with how many did; the newest first."""
        ...

    async def boots(self, since: float, nodes: NodeSet | None = None) -> Sequence[Boots]:
        """With all nodes of each wait that has one of these."""
        ...

    async def prune(self, before: float) -> int:
        """Delete what is kept of some operations that began before then, and of boots; how many operations, none when
        none are left."""
        ...
