"""Who reads from whom: pure.

Neighbours in the chain should be neighbours on the network, so that each link is crossed once: racks
(or switches) one after the other where the site names them, then names in their natural order. Whatever the shape,
a node reads only from nodes before it, so that no circle can form.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import digits
from typing import Any

from kadeploy.domain.spread import Spread

HEAD_RANK = -1  # the server: before every node
MOVED = 1 << 20  # added to the rank of a node that has moved to the end
MANY = 1 << 20  # readers at once: no limit


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """`arity`: readers of each in a tree. `starts`: the ranks at which a chain of its own begins; the first is 0."""

    form: Spread = Spread.CHAIN
    arity: int = 2
    starts: tuple[int, ...] = (0,)

    def before(self, rank: int, count: int) -> tuple[int, ...]:
        """Of `count` nodes, whom the one of this rank reads from, best first, the head at last."""
        if rank >= MOVED:
            return (*(one for one in range(count - 1, HEAD_RANK, -1) if one != rank - MOVED), HEAD_RANK)
        match self.form:
            case Spread.UNICAST:
                return (HEAD_RANK,)
            case Spread.TREE:
                return self._ancestors(rank)
            case Spread.CHAIN:
                first = max(start for start in self.starts if start <= rank)
                return (*range(rank - 1, first - 1, -1), HEAD_RANK)

    def behind(self, rank: int, count: int) -> tuple[range, ...]:
        """Of `count` nodes, those that read from the one of this rank: of each line of them the nearest that lives."""
        match self.form:
            case Spread.UNICAST:
                return ()
            case Spread.TREE:
                first = (rank + 1) * self.arity
                return tuple(range(one, one + 1) for one in range(first, min(first + self.arity, count)))
            case Spread.CHAIN:
                return (range(rank + 1, min([start for start in self.starts if start > rank] + [count])),)

    def _ancestors(self, rank: int) -> tuple[int, ...]:
        found = []
        while rank >= self.arity:
            rank = rank // self.arity - 1
            found.append(rank)
        return (*found, HEAD_RANK)

    def streams(self, rank: int) -> int:
        """How many readers the node of this rank feeds at once."""
        match self.form:
            case Spread.UNICAST:
                return MANY
            case Spread.TREE:
                return self.arity
            case Spread.CHAIN:
                return len(self.starts) if rank == HEAD_RANK else 1

    def to_json(self) -> dict[str, Any]:
        return {"form": self.form.value, "arity": self.arity, "starts": list(self.starts)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Shape:
        """Raises ValueError."""
        arity, starts = int(data["arity"]), tuple(int(start) for start in data["starts"])
        if arity < 1 or not starts or starts[0] != 0:
            raise ValueError(f"no broadcast has this shape: {dict(data)}")
        return cls(form=Spread(data["form"]), arity=arity, starts=starts)


CHAIN = Shape()


def chains_by_rack(chain: Sequence[Member], racks: Mapping[str, str], most: int) -> Shape:
    """A chain a rack, all fed by the head at once; where there are more racks than `most`, neighbours share one, so
    that chains are about as long as each other. `most`: how many streams the head's link carries beside each other."""
    known = [racks.get(member.name, "") for member in chain]
    begins = [rank for rank in range(1, len(known)) if known[rank] != known[rank - 1]]
    if most <= len(begins):
        wanted = (number * len(chain) / most for number in range(1, most))
        begins = sorted({min(begins, key=lambda rank: abs(rank - ideal)) for ideal in wanted})
    return Shape(starts=(0, *begins))


def _by_place(name: str) -> tuple[tuple[tuple[int, int, str], ...], ...]:
    """Domain first, from its end (site before cluster), then the host's own numbers."""
    host, _, domain = name.partition(".")
    return tuple(_natural(label) for label in reversed(domain.split("."))) + (_natural(host),)


def _natural(text: str) -> tuple[tuple[int, int, str], ...]:
    """node-9 before node-10."""
    return tuple(
        (1, int(part), "") if part[0] in digits else (0, 0, part) for part in re.findall(r"[0-9]+|[^0-9]+", text)
    )
