"""Which nodes are in the minimal environment, as told by their agents' calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from kadeploy.domain.nodeset import NodeSet
from kadeploy.drivers.agents.meeting import Meeting
from kadeploy.drivers.agents.session import Session


class Arrivals:
    """Only boots after `since` (seconds since the epoch) count: those whose token was issued after it."""

    def __init__(self, meeting: Meeting) -> None:
        self._meeting = meeting

    def connected_since(self, nodes: NodeSet, since: float) -> NodeSet:
        sessions = map(self._meeting.session, nodes.names)
        return NodeSet(session.node for session in sessions if session and session.issued_at > since)

    async def watch(self, nodes: NodeSet, since: float) -> AsyncGenerator[str, None]:
        """Yield each node once, as soon as it is here; ends when all are."""
        arrived: asyncio.Queue[Session] = asyncio.Queue()
        self._meeting.followers.add(arrived.put_nowait)
        try:
            here = self.connected_since(nodes, since)
            for node in here:
                yield node
            left = set((nodes - here).names)
            while left:
                session = await arrived.get()
                if session.node in left and session.issued_at > since:
                    left.discard(session.node)
                    yield session.node
        finally:
            self._meeting.followers.discard(arrived.put_nowait)
