"""Who sits where in one broadcast: the nodes that had a place in time, in the head's order, then each later one."""

from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from kadeploy.domain.spread import Spread
from kadeploy.drivers.agents.meeting import Meeting
from kadeploy.drivers.agents.seal import Seal
from kadeploy.ports.head import Head, Identity, Seat


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A place, the digests known there, and the head that it was opened for, made at `made` (seconds since the
    epoch)."""

    port: int
    digests: tuple[str, ...]
    made: float
    head: Identity


NONSENSE: Final = (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError)
"""What reading raises when a node says something that its agent does not say."""


def echo_of(head: Identity, *, made: float, key: str, seal: Seal) -> Mapping[str, object]:
    """What goes out with the command `place`, and comes back with its answer."""
    said: dict[str, object] = {"made": made, "head": asdict(head)}
    return {**said, "seal": seal.of(key, said)}


def read_place(output: str, *, key: str, seal: Seal) -> Opened | None:
    """What the agent's command `place` answers; None for anything else, and for an echo that this server never made."""
    try:
        data = json.loads(output)
        echo = data["echo"]
        said = {"made": echo["made"], "head": echo["head"]}
        if not (seal.holds(key, said, echo["seal"]) and _is_port(data["port"])):
            return None
        digests = tuple(str(name) for name in data["digests"])
        return Opened(port=data["port"], digests=digests, made=echo["made"], head=Identity(**echo["head"]))
    except NONSENSE:
        return None


def _is_port(number: object) -> bool:
    return type(number) is int and 0 < number < 65536


class Seating:
    """`host` is this server's address as nodes see it; if empty, the one each node has called. `spread`: who reads from
    whom, and `arity` how many from each in a tree, 0 for as many as usual."""

    def __init__(self, meeting: Meeting, head: Head, host: str, spread: Spread, arity: int) -> None:
        self.said: dict[str, Mapping[str, object]] = {}  # by each node, of its progress
        self.bottleneck = ""
        self._meeting, self._head, self._host = meeting, head, host
        self._spread, self._arity = spread, arity
        self._seats: list[Seat] = []
        self._late: list[Seat] = []

    async def seat(self, places: Mapping[str, Opened]) -> dict[str, Mapping[str, object]]:
        """Orders for these nodes: the first ones make the chain. A node that has left since it answered has no address,
        and no part. Raises InvalidFile."""
        sessions = {node: session for node in places if (session := self._meeting.session(node))}
        new = [
            Seat(name=node, host=session.address, port=places[node].port, digests=places[node].digests)
            for node, session in sessions.items()
        ]
        if self._seats:
            self._late += new
        else:
            self._seats = new
        seats, late = tuple(self._seats), tuple(self._late)
        orders = functools.partial(self._head.orders, seats, late=late, spread=self._spread, arity=self._arity)
        by_host = {
            host: await asyncio.to_thread(orders, host=host)
            for host in {self._host or session.server for session in sessions.values()}
        }
        return {node: by_host[self._host or session.server][node] for node, session in sessions.items()}
