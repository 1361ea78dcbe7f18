"""Who sits where in one broadcast: the nodes that had a place in time, in the head's order, then each later one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from kadeploy.drivers.agents.meeting import Meeting
from kadeploy.ports.head import Head, Identity, Seat


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A place, and the head that it was opened for, made at `made` (seconds since the epoch)."""

    port: int
    made: float
    head: Identity


def read_place(output: str) -> Opened:
    """What the agent's command `place` answers."""
    data = json.loads(output)
    return Opened(port=data["port"], made=data["echo"]["made"], head=Identity(**data["echo"]["head"]))


class Seating:
    """`host` is this server's address as nodes see it; if empty, the one each node has called."""

    def __init__(self, meeting: Meeting, head: Head, host: str) -> None:
        self.said: dict[str, Mapping[str, object]] = {}  # by each node, of its progress
        self.bottleneck = ""
        self._meeting, self._head, self._host = meeting, head, host
        self._seats: list[Seat] = []
        self._late: list[Seat] = []

    def seat(self, places: Mapping[str, Opened]) -> dict[str, Mapping[str, object]]:
        """Orders for these nodes: the first ones make the chain. A node that has left since it answered has no address,
        and no part."""
        sessions = {node: session for node in places if (session := self._meeting.session(node))}
        new = [Seat(name=node, host=session.address, port=places[node].port) for node, session in sessions.items()]
        if self._seats:
            self._late += new
        else:
            self._seats = new
        by_host = {
            host: self._head.orders(self._seats, host=host, late=self._late)
            for host in {self._host or session.server for session in sessions.values()}
        }
        return {node: by_host[self._host or session.server][node] for node, session in sessions.items()}
