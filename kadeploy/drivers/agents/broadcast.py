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
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace

from kadeploy.domain.image import LocalFile
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.drivers.agents.meeting import Meeting
from kadeploy.drivers.agents.remote import AgentRemote
from kadeploy.drivers.agents.seal import Seal
from kadeploy.drivers.agents.seating import NONSENSE, Opened, Seating, echo_of, read_place
from kadeploy.errors import InvalidFile
from kadeploy.ports.broadcast import Shipment
from kadeploy.ports.head import Head, Heads, Identity
from kadeploy.ports.remote import Command, Terms

_log = logging.getLogger(__name__)
PLACE_DEADLINE = 30.0  # seconds to open the places: whoever has none by then is not in the chain
GRACE = 2.0  # seconds that those who have a place wait for the others, once most have one
STANDSTILL = 600.0  # seconds without a byte received or written after which a node is given up; a sync may take some
MOST = 0.5  # a late one loses little: it joins the chain


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sending:
    """What one call of `send` is about."""

    shipment: Shipment
    terms: Terms
    end: float  # of the monotonic clock

    @property
    def left(self) -> float:
        return max(0.0, self.end - time.monotonic())


class AgentBroadcast:
    """`host` is this server's address as nodes see it; by default the one each node has called."""

    def __init__(
        self,
        meeting: Meeting,
        remote: AgentRemote,
        heads: Heads,
        seal: Seal,
        *,
        host: str = "",
        grace: float = GRACE,
        standstill: float = STANDSTILL,
    ) -> None:
        self._meeting = meeting
        self._remote = remote
        self._heads = heads
        self._seal = seal
        self._host = host
        self._grace = grace
        self._standstill = standstill

    async def send(self, nodes: NodeSet, shipment: Shipment, terms: Terms) -> Result:
        sending = _Sending(shipment=shipment, terms=terms, end=time.monotonic() + terms.deadline)
        try:
            async with contextlib.AsyncExitStack() as heads:
                first = await self._open(shipment.image, None, heads)
                result = await self._seat_all(nodes, sending, first, heads)
                return result if terms.company and terms.company.late else result.settle(nodes)
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
                sending.terms.ended(placed.ko)
                read = {
                    node: read_place(placed.outputs.get(node, ""), key=sending.terms.key, seal=self._seal)
                    for node in placed.ok
                }
                places = {node: opened for node, opened in read.items() if opened is not None}
                unread = dict.fromkeys(read.keys() - places.keys(), "it does not say where it waits for the image")
                results.append(Result(ko=unread))
                sending.terms.ended(unread)
                if not places:
                    continue
                if seating is None:
                    earlier = first_head(places)
                    if earlier not in (None, head.identity):
                        head = await self._open(sending.shipment.image, earlier, heads)
                    shipment = sending.shipment
                    seating = Seating(self._meeting, head, self._host, shipment.spread, shipment.arity)
                orders = await seating.seat(places)
                receiving.append(asyncio.create_task(self._receive(orders, sending, head, seating)))
            results.extend(await asyncio.gather(*receiving))
        finally:
            for task in receiving:
                task.cancel()
            await asyncio.gather(*receiving, return_exceptions=True)
        return Result.merge(*results)

    async def _placed(self, nodes: NodeSet, head: Identity, sending: _Sending) -> AsyncIterator[Result]:
        """First of most nodes at once, then of each by itself as it comes, until the others do not wait any more."""
        key, company = sending.terms.key, sending.terms.company
        echo = echo_of(head, made=time.time(), key=key, seal=self._seal)
        place = Command(name="place", args={"place": key, "echo": echo})
        terms = Terms(key=f"{key}/place", deadline=min(sending.left, PLACE_DEADLINE))
        asked = {
            asyncio.create_task(self._remote.run(NodeSet([node]), lambda _: place, terms), name=node) for node in nodes
        }
        parting = asyncio.ensure_future(company.parting() if company is not None else asyncio.Event().wait())
        try:
            done = await self._most_of(asked)
            yield Result.merge(*(task.result() for task in done))
            asked -= done
            while asked and not parting.done():
                await asyncio.wait((*asked, parting), return_when=asyncio.FIRST_COMPLETED)
                done = {task for task in asked if task.done()}
                yield Result.merge(*(task.result() for task in done))
                asked -= done
        finally:
            if parting.done():
                self._remote.leave(NodeSet(task.get_name() for task in asked), terms.key)
            for task in (*asked, parting):
                task.cancel()
            await asyncio.gather(*asked, parting, return_exceptions=True)

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
        key = sending.terms.key

        def receive(node: str) -> Command:
            shipment = sending.shipment
            unpack = {"kind": shipment.kind, "compression": shipment.compression}
            args = {"place": key, "orders": orders[node], "destination": shipment.destination(node), **unpack}
            return Command(name="receive", args=args)

        def detail(node: str, said: Mapping[str, object]) -> None:
            seating.said[node] = said
            try:
                waits_for = head.bottleneck(seating.said)
            except NONSENSE:
                del seating.said[node]
                return
            if waits_for != seating.bottleneck:
                seating.bottleneck = waits_for
                _log.info("%s waits for the %s", key, waits_for or "end of its nodes")

        terms = replace(sending.terms, key=f"{key}/receive", deadline=sending.left)
        result = await self._remote.run(NodeSet(orders), receive, terms, detail=detail, standstill=self._standstill)
        return replace(result, outputs={node: _account(head, said) for node, said in result.outputs.items()})


def _account(head: Head, said: str) -> str:
    try:
        return head.account(json.loads(said))
    except NONSENSE:
        return ""


def first_head(places: Mapping[str, Opened]) -> Identity | None:
    """The head that the first of these places was opened for: nodes may be waiting for it."""
    first = min(places.values(), key=lambda opened: opened.made, default=None)
    return first.head if first else None
