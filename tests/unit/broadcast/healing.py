"""A broadcast as its decisions see it: no socket, no clock, one unit of the image a step over each link.

Every node decides by itself, by the same pure functions as the real one. What the model adds is who is alive, and which
links bend what goes over them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from kadeploy.broadcast.heal import (
    Claim,
    Failure,
    Move,
    Timing,
    ahead_of,
    is_worth_mending,
    place_of,
    repair_source,
    sources,
    when_parked,
)
from kadeploy.broadcast.order import HEAD_RANK, MOVED, Shape

TIMING = Timing(stall=2.0)
STEP = 0.1  # seconds
PATIENCE = 30.0  # seconds
BENT = -1  # a unit that is not what it should be; else a unit is its own number


@dataclass
class Mending:
    unit: int
    came_from: int
    began: float
    attempt: int = 0
    wrong: int = 0


@dataclass
class Node:
    """The head has every unit, and the rank before all. `base`: units before it are no longer in memory. One that is
    `done` says so, one with a `reason` says that; it leaves when nobody has read from it for a while."""

    place: int
    rank: int
    units: list[int] = field(default_factory=list)
    base: int = 0
    alive: bool = True
    awake: bool = True
    killed: bool = False
    bends: bool = False
    source: int | None = None
    insists: bool = False
    silent_for: float = 0.0
    behind_for: float = 0.0
    unread_for: float = 0.0
    moved_at: float = 0.0
    reason: str = ""
    mending: dict[int, Mending] = field(default_factory=dict)
    failures: dict[int, Failure] = field(default_factory=dict)

    @property
    def received(self) -> int:
        return len(self.units)

    @property
    def is_up(self) -> bool:
        return self.alive and self.awake


class Model:
    def __init__(self, count: int, size: int, shape: Shape, window: int, seed: int) -> None:
        self.size, self.shape, self.window = size, shape, window
        self.nodes = [Node(place=place, rank=place) for place in range(count)]
        self.head = Node(place=HEAD_RANK, rank=HEAD_RANK, units=list(range(size)))
        self.now = 0.0
        self.lots = random.Random(seed)

    def at(self, place: int) -> Node:
        return self.head if place == HEAD_RANK else self.nodes[place]

    def is_done(self, node: Node) -> bool:
        """What the node itself says: all received, nothing left to mend, no reason to have failed."""
        return node.received == self.size and not node.mending and not node.reason

    def has_ended(self, node: Node) -> bool:
        return node.killed or bool(node.reason) or self.is_done(node)

    def step(self) -> None:
        self.now += STEP
        for node in self.lots.sample(self.nodes, len(self.nodes)):
            if node.is_up and not self.has_ended(node):
                self._look(node)
                self._mend(node)
                if node.received < self.size and self.now - node.moved_at >= PATIENCE:
                    self._fail(node, "no bytes from anybody")
        for source in (*self.nodes, self.head):
            if source.is_up:
                self._feed(source)
        for node in self.nodes:
            self._leave(node)

    def move(self, node: Node) -> None:
        """To the end, once; who reads from it and is now before it must look for another."""
        if node.rank >= MOVED:
            return
        node.rank += MOVED
        node.source = None
        for reader in self.nodes:
            if reader.source == node.place and reader.rank < node.rank:
                reader.source = None

    def _look(self, node: Node) -> None:
        if node.source is not None:
            source = self.at(node.source)
            node.silent_for = 0.0 if source.awake else node.silent_for + STEP
            node.behind_for = 0.0 if source.received >= node.received else node.behind_for + STEP
            if not source.alive or node.silent_for >= TIMING.stall:
                self._lose(node, sure=True)
            elif node.behind_for >= TIMING.suspect and node.rank < MOVED:
                self._lose(node, sure=False)
        if node.source is None and node.received < self.size:
            for place in sources(self.shape.before(node.rank, len(self.nodes)), node.failures, self.now, TIMING):
                one = self.at(place)
                if one.is_up and one.rank < node.rank:
                    node.source, node.insists, node.silent_for, node.behind_for = place, False, 0.0, 0.0
                    return
                node.failures[place] = Failure(at=self.now, sure=not one.alive)

    def _lose(self, node: Node, *, sure: bool, lacks: bool = False) -> None:
        assert node.source is not None
        node.failures[node.source] = Failure(at=self.now, sure=sure, lacks=lacks)
        node.source = None

    def _mend(self, node: Node) -> None:
        """One answer a step for each bad unit."""
        for one in list(node.mending.values()):
            before = () if one.came_from == HEAD_RANK else self.shape.before(one.came_from, len(self.nodes))
            source = self.at(repair_source(one.attempt, before))
            one.attempt += 1
            has_it = one.unit >= source.base and one.unit < source.received and one.unit not in source.mending
            if source.is_up and has_it:
                said = BENT if source.bends else source.units[one.unit]
                if said == one.unit:
                    node.units[one.unit] = said
                    del node.mending[one.unit]
                    continue
                one.wrong += 1
            if not is_worth_mending(one.wrong, self.now - one.began, PATIENCE):
                self._fail(node, f"unit {one.unit} is bad")

    def _fail(self, node: Node, reason: str) -> None:
        node.reason, node.alive = reason, False

    def _leave(self, node: Node) -> None:
        is_read = any(one.source == node.place and one.is_up and not self.has_ended(one) for one in self.nodes)
        node.unread_for = 0.0 if is_read or not self.is_done(node) else node.unread_for + STEP
        if node.unread_for >= TIMING.stall:
            node.alive = False

    def _feed(self, source: Node) -> None:
        readers = [one for one in self.nodes if one.source == source.place and one.alive]
        claims = {one.place: self._claim(one) for one in readers}
        for reader in readers:
            if not reader.awake or reader.received >= self.size:
                continue
            if reader.received < source.base:
                self._lose(reader, sure=False, lacks=True)
                continue
            fed = ahead_of(claims[reader.place], claims.values(), self.shape.streams(source.place))
            if fed is not None:
                reader.moved_at = self.now  # it lives, and has a reason
                self._park(reader, fed)
            elif source.received > reader.received:
                self._give(source, reader)

    def _give(self, source: Node, reader: Node) -> None:
        """Bytes are passed on before they are checked."""
        number = reader.received
        reader.units.append(BENT if source.bends else source.units[number])
        reader.moved_at = self.now
        if reader.units[number] != number:
            reader.mending[number] = Mending(unit=number, came_from=source.place, began=self.now)
        oldest = min(reader.mending, default=reader.received)
        reader.base = max(reader.base, min(oldest, reader.received - self.window))

    def _claim(self, node: Node) -> Claim:
        return Claim(
            key=node.place,
            rank=node.rank,
            position=node.received,
            end=self.size,
            insists=node.insists,
            slow=not node.awake,
        )

    def _park(self, reader: Node, fed: int) -> None:
        match when_parked(reader.rank, fed, reader.failures):
            case Move.NEARER:
                reader.failures.pop(place_of(fed), None)
                reader.source = place_of(fed) if self.at(place_of(fed)).rank < reader.rank else None
            case Move.LAST:
                self.move(reader)
            case Move.INSIST:
                reader.insists = True
            case Move.WAIT:
                pass
