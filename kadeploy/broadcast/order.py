"""Who is after whom in the chain: pure.

Neighbours in the chain should be neighbours on the network, so that each link is crossed once: racks
(or switches) one after the other where the site names them, then names in their natural order.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from string import digits
from typing import Any

HEAD_RANK = -1  # the server: before every node


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One place in the chain: where a node (or the head) listens."""

    name: str
    host: str
    port: int

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "host": self.host, "port": self.port}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Member:
        return cls(name=str(data["name"]), host=str(data["host"]), port=int(data["port"]))


def chain_of(members: Iterable[Member], racks: Mapping[str, str] | None = None) -> tuple[Member, ...]:
    """The members in the order of the chain. `racks` names the rack or switch of a node."""
    racks = racks or {}

    def place(member: Member) -> tuple[object, ...]:
        return _natural(racks.get(member.name, "")), _by_place(member.name), member.name

    return tuple(sorted(members, key=place))


def _by_place(name: str) -> tuple[tuple[tuple[int, int, str], ...], ...]:
    """Domain first, from its end (site before cluster), then the host's own numbers."""
    host, _, domain = name.partition(".")
    return tuple(_natural(label) for label in reversed(domain.split("."))) + (_natural(host),)


def _natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """node-9 before node-10."""
    return tuple(
        (1, int(part), "") if part[0] in digits else (0, 0, part) for part in re.findall(r"[0-9]+|[^0-9]+", text)
    )
