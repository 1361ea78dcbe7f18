"""Who sits where: the hosts that came in time make the chain, each that comes later joins it at its end.

So one that is off, or asks for a password, costs the others two seconds and not the time a login may take.
"""

from __future__ import annotations

import asyncio

from kadeploy.broadcast.digests import best_of
from kadeploy.broadcast.manifest import Manifests
from kadeploy.broadcast.order import Member, Shape, chain_of
from kadeploy.broadcast.reception import Limits, Reception
from kadeploy.broadcast.source import Head
from kadeploy.cast.host import Host

MOST = 0.5  # of all hosts
GRACE = 2.0  # seconds without another one, once most are in


class Seating:
    """`expected`: the names of those who have neither come nor been lost."""

    def __init__(self, head: Head, manifests: Manifests, shape: Shape, limits: Limits, expected: set[str]) -> None:
        self._head, self._manifests, self._shape, self._limits = head, manifests, shape, limits
        self._expected, self._all = expected, len(expected)
        self._early: list[Member] = []
        self._chain: tuple[Member, ...] = ()
        self._news, self._begun = asyncio.Event(), asyncio.Event()

    async def wait_for_most(self) -> None:
        """Until all are in or lost, or most are in and the rest are late; then the chain begins."""
        while self._expected:
            are_most_in = len(self._early) >= MOST * self._all
            try:
                await asyncio.wait_for(self._news.wait(), GRACE if are_most_in else None)
            except TimeoutError:
                break
            self._news.clear()
        self._chain = chain_of(self._early)
        self._begun.set()

    def gone(self, name: str) -> None:
        """This host is lost. (One that had a place keeps it: the others find out themselves.)"""
        self._expected.discard(name)
        self._news.set()

    async def orders(self, host: Host) -> Reception:
        """When it is time for it to begin. Raises InvalidFile."""
        manifest = await asyncio.to_thread(self._manifests.by, best_of(host.digests))
        if self._begun.is_set():
            self._chain = (*self._chain, host.member)
        else:
            self._early.append(host.member)
            self.gone(host.name)
            await self._begun.wait()
        orders = self._head.orders(
            self._chain,
            host=host.server,
            name="this machine",
            shape=self._shape,
            limits=self._limits,
            manifests={host.name: manifest},
        )
        return orders[host.name]
