"""The port `Broadcast`: places on the nodes, orders from the head of the chain, one outcome a node.

Nothing of a broadcast is kept on the server. Who the head is goes out with the command that opens a node's place
and comes back with its answer, the same at every repetition: so a server that was restarted in the middle makes
its head again as it was, and the nodes, which never stopped waiting for it, go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from kadeploy.domain.image import Compression, ImageKind, LocalFile
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.drivers.agents.meeting import Meeting
from kadeploy.drivers.agents.remote import AgentRemote
from kadeploy.errors import InvalidFile
from kadeploy.ports.head import Head, Heads, Identity, Seat
from kadeploy.ports.remote import Command, ReportBytes

_log = logging.getLogger(__name__)
PLACE_DEADLINE = 30.0  # seconds to open the places: whoever has none by then is not in the chain


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A place, and the head that it was opened for, made at `made` (seconds since the epoch)."""

    port: int
    made: float
    head: Identity


class AgentBroadcast:
    """`host` is this server's address as nodes see it; by default the one each node has called."""

    def __init__(self, meeting: Meeting, remote: AgentRemote, heads: Heads, *, host: str = "") -> None:
        self._meeting = meeting
        self._remote = remote
        self._heads = heads
        self._host = host

    async def send(
        self,
        nodes: NodeSet,
        image: LocalFile,
        *,
        kind: ImageKind,
        compression: Compression,
        destination: Callable[[str], str],
        key: str,
        deadline: float,
        report: ReportBytes,
    ) -> Result:
        end = time.monotonic() + deadline
        try:
            async with contextlib.AsyncExitStack() as heads:
                head = await self._open(image, None, heads)
                placed = await self._open_places(nodes, head.identity, key, min(deadline, PLACE_DEADLINE))
                places = {node: read_place(placed.outputs[node]) for node in placed.ok}
                if (first := first_head(places)) not in (None, head.identity):
                    head = await self._open(image, first, heads)
                orders = self._orders(head, places)

                def receive(node: str) -> Command:
                    unpack = {"kind": kind, "compression": compression, "destination": destination(node)}
                    return Command(name="receive", args={"place": key, "orders": orders[node], **unpack})

                left = max(0.0, end - time.monotonic())
                told = NodeSet(orders)
                received = await self._remote.run(told, receive, key=f"{key}/receive", deadline=left, report=report)
        except (InvalidFile, OSError) as error:
            return Result.failed(nodes, f"the image cannot be served: {error}")
        return Result.merge(Result(ko=placed.ko), received).settle(nodes)

    async def _open(self, image: LocalFile, identity: Identity | None, heads: contextlib.AsyncExitStack) -> Head:
        """Serve the image until `heads` ends. Raises InvalidFile, OSError."""
        head = await asyncio.to_thread(self._heads.open, image, identity)
        heads.push_async_callback(asyncio.to_thread, head.stop)
        return head

    async def _open_places(self, nodes: NodeSet, head: Identity, key: str, deadline: float) -> Result:
        place = Command(name="place", args={"place": key, "echo": {"made": time.time(), "head": asdict(head)}})
        return await self._remote.run(nodes, lambda _: place, key=f"{key}/place", deadline=deadline)

    def _orders(self, head: Head, places: Mapping[str, Opened]) -> dict[str, Mapping[str, object]]:
        """A node that has left since it answered has no address, and no part."""
        sessions = {node: session for node in places if (session := self._meeting.session(node))}
        seats = [Seat(name=node, host=session.address, port=places[node].port) for node, session in sessions.items()]
        by_host = {
            host: head.orders(seats, host=host)
            for host in {self._host or session.server for session in sessions.values()}
        }
        return {node: by_host[self._host or session.server][node] for node, session in sessions.items()}


def read_place(output: str) -> Opened:
    """What the agent's command `place` answers."""
    data = json.loads(output)
    return Opened(port=data["port"], made=data["echo"]["made"], head=Identity(**data["echo"]["head"]))


def first_head(places: Mapping[str, Opened]) -> Identity | None:
    """The head that the first of these places was opened for: nodes may be waiting for it."""
    first = min(places.values(), key=lambda opened: opened.made, default=None)
    return first.head if first else None
