"""`Company`: nodes that were asked for the same thing together, as they end it, so that nobody waits for the last."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.patience import Late, Patience, Tally


class Company:
    """To be made when the nodes are asked, and used by whoever waits for their answers.

    `late` says why those that have not ended are late, once they are.
    """

    def __init__(self, patience: Patience, nodes: NodeSet) -> None:
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._patience = patience
        self._nodes = nodes
        self._ended: set[str] = set()
        self._tally = Tally(patience=patience, of=len(nodes))
        self._timer: asyncio.TimerHandle | None = None
        self._parted = asyncio.Event()
        self.late: Late | None = None

    @property
    def missing(self) -> NodeSet:
        return self._nodes - NodeSet(self._ended)

    @property
    def seconds(self) -> float:
        """Since they were asked."""
        return self._loop.time() - self._began

    def ended(self, node: str) -> None:
        """It is through with what was asked, well or not."""
        if node in self._ended or node not in self._nodes:
            return
        self._ended.add(node)
        if len(self._ended) == len(self._nodes):
            self.close()
        elif (late := self._tally.add(self.seconds)) is not None:
            self.close()
            self._timer = self._loop.call_at(self._began + late.seconds, self.part, late)

    def would_part(self, ends: Iterable[float]) -> Late | None:
        """When and why nodes that end after so many seconds part; None if they do not."""
        tally, late = Tally(patience=self._patience, of=len(self._nodes)), None
        for seconds in sorted(ends):
            if late is not None and seconds > late.seconds:
                break
            late = tally.add(seconds) or late
        return late if tally.came < tally.of else None

    async def parting(self) -> None:
        """Wait until those that have not ended are late; for ever, when none will be."""
        await self._parted.wait()

    def close(self) -> None:
        """Nobody will be late any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def part(self, late: Late) -> None:
        """Those that have not ended are late now."""
        self.late = late
        self._parted.set()
