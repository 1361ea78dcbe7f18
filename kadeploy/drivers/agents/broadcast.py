"""The port `Broadcast`: places on the nodes, orders from the head of the chain, one outcome a node.

Nothing of a broadcast is kept on the server. Who the head is goes out with the command that opens a node's place
and comes back with its answer, the same at every repetition: so a server that was restarted in the middle makes
its head again as it was, and the nodes, which never stopped waiting for it, go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict, dataclass

from kadeploy.domain.image import Compression, ImageKind, LocalFile
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.drivers.agents.meeting import Meeting
from kadeploy.drivers.agents.remote import AgentRemote
from kadeploy.drivers.agents.seating import Opened, Seating, read_place
from kadeploy.errors import InvalidFile
from kadeploy.ports.head import Head, Heads, Identity
from kadeploy.ports.remote import Command, ReportBytes

_log = logging.getLogger(__name__)
PLACE_DEADLINE = 30.0  # seconds to open the places: whoever has none by then is not in the chain
GRACE = 2.0  # seconds that those who have a place wait for the others, once most have one
MOST = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sending:
    """What one call of `send` is about."""

    image: LocalFile
    unpack: Callable[[str], Mapping[str, object]]
    key: str
    end: float  # of the monotonic clock
    report: ReportBytes


class AgentBroadcast:
    """`host` is this server's address as nodes see it; by default the one each node has called."""

    def __init__(
        self, meeting: Meeting, remote: AgentRemote, heads: Heads, *, host: str = "", grace: float = GRACE
    ) -> None:
        self._meeting = meeting
        self._remote = remote
        self._heads = heads
        self._host = host
        self._grace = grace

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
        def unpack(node: str) -> Mapping[str, object]:
            return {"kind": kind, "compression": compression, "destination": destination(node)}

        sending = _Sending(image=image, unpack=unpack, key=key, end=time.monotonic() + deadline, report=report)
        try:
            async with contextlib.AsyncExitStack() as heads:
                first = await self._open(image, None, heads)
                return (await self._seat_all(nodes, sending, first, heads)).settle(nodes)
        except (InvalidFile, OSError) as error:
            return Result.failed(nodes, f"the image cannot be served: {error}")

    async def _seat_all(
        self, nodes: NodeSet, sending: _Sending, head: Head, heads: contextlib.AsyncExitStack
    ) -> Result:
        """Those who have a place in time make the chain; each that comes later joins it at its end."""
        seating: Seating | None = None
        results: list[Result] = []
        receiving: list[asyncio.Task[Result]] = []
        try:
            async for placed in self._placed(nodes, head.identity, sending):
                results.append(Result(ko=placed.ko))
                places = {node: read_place(placed.outputs[node]) for node in placed.ok}
                if not places:
                    continue
                if seating is None:
                    earlier = first_head(places)
                    if earlier not in (None, head.identity):
                        head = await self._open(sending.image, earlier, heads)
                    seating = Seating(self._meeting, head, self._host)
                orders = seating.seat(places)
                receiving.append(asyncio.create_task(self._receive(orders, sending, head, seating)))
            results.extend(await asyncio.gather(*receiving))
        finally:
            for task in receiving:
                task.cancel()
            await asyncio.gather(*receiving, return_exceptions=True)
        return Result.merge(*results)

    async def _placed(self, nodes: NodeSet, head: Identity, sending: _Sending) -> AsyncIterator[Result]:
        """First of most nodes at once, then of each by itself as it comes."""
        place = Command(name="place", args={"place": sending.key, "echo": {"made": time.time(), "head": asdict(head)}})
        deadline = min(max(0.0, sending.end - time.monotonic()), PLACE_DEADLINE)
        asked = {
            asyncio.create_task(
                self._remote.run(NodeSet([node]), lambda _: place, key=f"{sending.key}/place", deadline=deadline)
            )
            for node in nodes
        }
        try:
            done = await self._most_of(asked)
            while done:
                yield Result.merge(*(task.result() for task in done))
                asked -= done
                done = (await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED))[0] if asked else set()
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    async def _most_of(self, asked: set[asyncio.Task[Result]]) -> set[asyncio.Task[Result]]:
        """Those that are done when all are, or when most have been for a while."""
        done: set[asyncio.Task[Result]] = set()
        left = set(asked)
        while left and len(done) < MOST * len(asked):
            now, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
            done |= now
        if left:
            done |= (await asyncio.wait(left, timeout=self._grace))[0]
        return done

    async def _open(self, image: LocalFile, identity: Identity | None, heads: contextlib.AsyncExitStack) -> Head:
        """Serve the image until `heads` ends. Raises InvalidFile, OSError."""
        head = await asyncio.to_thread(self._heads.open, image, identity)
        heads.push_async_callback(asyncio.to_thread, head.stop)
        return head

    async def _receive(
        self, orders: Mapping[str, Mapping[str, object]], sending: _Sending, head: Head, seating: Seating
    ) -> Result:
        def receive(node: str) -> Command:
            args = {"place": sending.key, "orders": orders[node], **sending.unpack(node)}
            return Command(name="receive", args=args)

        def detail(node: str, said: Mapping[str, object]) -> None:
            seating.said[node] = said
            if (waits_for := head.bottleneck(seating.said)) != seating.bottleneck:
                seating.bottleneck = waits_for
                _log.info("%s waits for the %s", sending.key, waits_for or "end of its nodes")

        left = max(0.0, sending.end - time.monotonic())
        return await self._remote.run(
            NodeSet(orders),
            receive,
            key=f"{sending.key}/receive",
            deadline=left,
            report=sending.report,
            detail=detail,
        )


def first_head(places: Mapping[str, Opened]) -> Identity | None:
    """The head that the first of these places was opened for: nodes may be waiting for it."""
    first = min(places.values(), key=lambda opened: opened.made, default=None)
    return first.head if first else None
