"""What to do when a neighbour fails: pure decisions, from what is known, at a given moment.

A node reads from the nearest living one *before* it, else from the head. So whoever lost its source
finds the next by itself, nobody else moves, and no circle can form. Seconds are of a monotonic clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from kadeploy.broadcast.order import HEAD_RANK

MOST_REPAIRS = 4  # wrong answers before one chunk is given up


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A source failed at this moment. `sure`: it had the full detection time to show that it lives."""

    at: float
    sure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds. Everything follows from `stall`: silence for that long is death."""

    stall: float = 2.0

    @property
    def tick(self) -> float:
        """Between two signs of life."""
        return self.stall / 4

    @property
    def connect(self) -> float:
        """A kernel that has not answered by now will not: a machine that is off costs this each."""
        return self.stall / 8

    @property
    def forgive(self) -> float:
        """After this a failed node may be asked again."""
        return self.stall * 4

    @property
    def hold(self) -> float:
        """For this long a reader that takes nothing keeps bytes in its source's memory."""
        return self.stall * 5

    def answer(self, anew: bool) -> float:
        """For a hello. At the start all nodes get their orders at nearly, not exactly, the same moment."""
        return self.stall if anew else self.stall / 4


def sources(rank: int, failures: Mapping[int, Failure], now: float, timing: Timing) -> tuple[int, ...]:
    """Whom the node `rank` may read from now, best first: the nearest before it, at last the head."""
    before = (*range(rank - 1, HEAD_RANK, -1), HEAD_RANK)
    return tuple(one for one in before if not _is_out(one, failures.get(one), now, timing))


def _is_out(rank: int, failure: Failure | None, now: float, timing: Timing) -> bool:
    # There is nothing after the head: it is asked again soon, it may be a server that restarts.
    wait = timing.tick if rank == HEAD_RANK else timing.forgive
    return failure is not None and now - failure.at < wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One reader of a source: its place in the chain, and which bytes it still wants."""

    key: int
    rank: int
    position: int
    end: int
    ranged: bool = False
    insists: bool = False


def leader(claims: Iterable[Claim]) -> Claim | None:
    """The one stream a source feeds first: the furthest on, then the nearest.

    A node that was away and is far behind waits for the chain's own stream: it must not halve the
    link that all the others hang on.
    """
    streams = [claim for claim in claims if claim.position < claim.end and not claim.ranged and not claim.insists]
    return max(streams, key=lambda claim: (claim.position, -claim.rank), default=None)


def ahead_of(claim: Claim, claims: Iterable[Claim]) -> int | None:
    """The rank of the reader that is fed before this one, or None: it is this one's turn.

    To mend a chunk is a small thing, and one that insists has nowhere else to go: these are fed beside the stream.
    """
    if claim.ranged or claim.insists:
        return None
    first = leader(claims)
    return None if first is None or first.key == claim.key else first.rank


class Move(StrEnum):
    """What a parked reader does."""

    WAIT = "wait"
    NEARER = "nearer"  # there is a living node between: read from that one
    INSIST = "insist"


def when_parked(rank: int, fed: int, failures: Mapping[int, Failure]) -> Move:
    """`fed` is the rank of the reader that was preferred to us."""
    if not fed < rank:
        return Move.WAIT  # the chain went on without us: our turn comes when it is through
    failure = failures.get(fed)
    return Move.NEARER if failure is None or not failure.sure else Move.INSIST


def repair_source(attempt: int, came_from: int) -> int:
    """Whom to ask for a bad chunk, for the first, second, ... time.

    First the one it came from (the wire may have been at fault, and it gives verified bytes only), then the head.
    """
    return came_from if attempt == 0 else HEAD_RANK


def is_worth_mending(wrong: int, elapsed: float, patience: float) -> bool:
    """Whether to ask for a bad chunk once more, after so many wrong answers and so many seconds."""
    return wrong < MOST_REPAIRS and elapsed < patience


def is_dead(quiet: float, timing: Timing) -> bool:
    """Silent for so many seconds although it should have said something."""
    return quiet >= timing.stall


def floor(positions: Iterable[tuple[int, float]], timing: Timing) -> int | None:
    """The lowest byte still needed by readers, of (position, seconds without progress); None: nobody needs any."""
    return min((position for position, still in positions if still < timing.hold), default=None)
