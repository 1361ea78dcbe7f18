"""A chain as its judges see it: bytes flow over links of given rates, memory fills, every source watches its reader.

Backpressure goes up from a slow node, starvation down; each source decides by itself, by the same pure functions as the
real one. No socket, no clock.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise

from kadeploy.broadcast.heal import FASTER, is_kept_for, is_to_blame
from kadeploy.broadcast.order import MOVED
from kadeploy.broadcast.pace import Look, Pace

STEP = 0.01  # seconds
LOOK = 0.05  # seconds between two looks
WATCH = 0.4  # seconds after which the second node asks the head, and has its answer
SHARE = 0.1
SHORT = 3.0  # seconds


@dataclass
class Flow:
    """One node. `link`: bytes a second that it takes at most."""

    rank: int
    link: float
    received: float = 0.0
    blocked: float = 0.0
    waited: float = 0.0
    pace: Pace | None = None
    judge: Flow | None = None  # whose watch that is
    joined_blocked: float = 0.0


class Chain:
    def __init__(self, links: list[float], *, size: int, stream: float, memory: float, seed: int | None = None) -> None:
        """With a `seed`, all nodes are on one machine that is short of processors: all wait for them a tenth to
        a third of the time, others at other times, some a third longer than others."""
        self.size, self.stream, self.memory, self.now = size, stream, memory, 0.0
        self._chance = random.Random(seed) if seed is not None else None
        self._machine, self._short = 0.0, [0.0] * len(links)
        self.nodes = [Flow(rank=rank, link=link) for rank, link in enumerate(links)]
        self.moved: list[int] = []

    @property
    def order(self) -> list[Flow]:
        return sorted(self.nodes, key=lambda node: node.rank)

    def run(self, longest: float) -> float:
        """Seconds until all have everything but those that have moved."""
        while any(node.received < self.size for node in self.nodes if node.rank < MOVED):
            self._flow()
            if round(self.now / STEP) % round(LOOK / STEP) == 0:
                self._look()
            assert self.now < longest, f"still not through, moved: {self.moved}"
        return self.now

    def _flow(self) -> None:
        self.now += STEP
        before: Flow | None = None
        order = self.order
        for node, reader in zip(order, [*order[1:], None], strict=True):
            there = before.received if before else float(self.size)
            short = self._shortage(self.nodes.index(node))
            node.waited += STEP * short
            wanted = min(node.link * STEP * (1 - short), there - node.received)
            kept_from = reader.received if reader and is_kept_for(reader.rank, is_to_yield=False) else node.received
            taken = min(wanted, max(0.0, kept_from + self.memory - node.received))
            if before is None or node.received + self.memory >= there or node.rank < MOVED:
                node.received += taken
            if wanted > 0:
                node.blocked += STEP * (1 - taken / wanted)
            before = node

    def _shortage(self, place: int) -> float:
        """The share of the time that this node waits for a processor, another one every few seconds."""
        if self._chance is not None and round(self.now / STEP) % round(SHORT / STEP) == 1:
            if place == 0:
                self._machine = self._chance.uniform(0.1, 0.35)
            self._short[place] = self._machine * self._chance.uniform(0.75, 1.25)
        return self._short[place]

    def _look(self) -> None:
        order = self.order
        first, second = order[0], order[1]
        if self.now > WATCH and first.rank < MOVED and second.received < self.size:
            rate = second.received / self.now
            times = min(second.link, self.stream - min(first.link, self.stream)) / max(1.0, rate)
            if first.received < self.size and is_to_blame([times] * 2) and times >= FASTER:
                self._move(first)
                return
        for source, reader in pairwise(order):
            if reader.rank >= MOVED:
                return
            if reader.judge is not source or reader.pace is None:
                reader.pace, reader.judge = Pace(SHARE, self.size), source
                reader.joined_blocked = source.blocked
            held = source.blocked - reader.joined_blocked
            look = Look(self.now, int(source.received), int(reader.received), source.blocked, held, source.waited)
            if reader.pace.is_holding_back(look):
                self._move(reader)
                return

    def _move(self, node: Flow) -> None:
        self.moved.append(self.nodes.index(node))
        node.rank += MOVED
