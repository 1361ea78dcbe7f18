"""Asking what is known of past operations. Every user may: it is about the site's nodes, not about people's systems."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from kadeploy.domain.health import LOOKED_BACK, Health, health
from kadeploy.domain.nodeset import NodeSet, natural_key, operands
from kadeploy.domain.rates import By, Rate, Spread, rates, spreads
from kadeploy.domain.statistics import SORTED_BY, NodeRow, Wanted
from kadeploy.errors import InvalidOption
from kadeploy.operations.selection import GROUP, Selection
from kadeploy.ports.clock import Clock
from kadeploy.ports.statistics import Statistics as Repository

PAGE: Final = 10_000  # rows held in memory at once
JUDGED: Final = 200_000  # rows from which health is told, the latest


class Statistics:
    """The use case."""

    def __init__(self, statistics: Repository, selection: Selection, clock: Clock) -> None:
        self._statistics = statistics
        self._selection = selection
        self._clock = clock

    def nodes(self, texts: Sequence[str]) -> NodeSet | None:
        """The nodes that are meant, those that the site no longer has among them; None when none are named.

        Raises InvalidNodes.
        """
        if not texts:
            return None
        plain = (text for text in texts if GROUP not in text and len(operands(text)) == 1)
        return self._selection.known(texts) | NodeSet.parse(*plain)

    async def rows(
        self, wanted: Wanted, *, sort: Sequence[str] = (), limit: int | None = None, steps: bool = False
    ) -> AsyncIterator[Sequence[NodeRow]]:
        """Page by page, of what was recorded before now. Raises InvalidOption for a field that nothing is sorted by."""
        unknown = [name for name in sort if name.removeprefix("-") not in SORTED_BY]
        if unknown:
            raise InvalidOption(
                f"sort: there is no field {', '.join(unknown)}", hint=f"there are {', '.join(sorted(SORTED_BY))}"
            )
        known = replace(wanted, before=self._clock.now())
        told = 0
        while limit is None or told < limit:
            size = PAGE if limit is None else min(PAGE, limit - told)
            page = await self._statistics.rows(known, sort=sort, limit=size, offset=told, steps=steps)
            if page:
                yield page
            told += len(page)
            if len(page) < size:
                return

    async def rates(self, wanted: Wanted, by: By, least: float = 0.0) -> Mapping[str, Rate]:
        """Those of `least` and more, nodes in their natural order."""
        if by is By.NODE:
            counted = await self._statistics.nodes(wanted)
            found = {node: Rate(nodes=ok + ko, failures=ko) for node, (ok, ko) in counted.items() if ok + ko}
        else:
            found = dict(rates(await self._statistics.tallies(wanted), by))
        return {name: found[name] for name in sorted(found, key=natural_key) if found[name].value >= least}

    async def spreads(self, wanted: Wanted) -> Sequence[Spread]:
        return spreads(await self._statistics.tallies(wanted))

    async def health(self, wanted: Wanted) -> Sequence[Health]:
        """Of the nodes that are asked for, beside all of their clusters: what is usual is told by the others."""
        now = self._clock.now()
        since = max(now - LOOKED_BACK, wanted.since or 0.0)
        looked_at = replace(wanted, nodes=None, since=since)
        rows = await self._statistics.rows(looked_at, sort=("-start",), limit=JUDGED)
        found = health(rows, await self._statistics.boots(since), now=now)
        return [each for each in found if wanted.nodes is None or each.node in wanted.nodes]
