"""What to do when a neighbour fails: pure decisions, from what is known, at a given moment.

A node reads from the nearest living one *before* it, else from the head. So whoever lost its source
finds the next by itself, nobody else moves, and no circle can form. A node that holds back those behind it moves to
the end of the order, once: there it holds back nobody. Seconds are of a monotonic clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kadeploy.broadcast.order import HEAD_RANK, MOVED

MOST_REPAIRS = 4  # wrong answers before one chunk is given up
EVIDENCE = 0.4  # seconds of the stream, at least, that a reader has fallen behind before it is judged
LEAST_EVIDENCE = 1 << 20  # bytes: what buffers on the way hold says nothing
FEW_LOOKS = 5
FROZEN = 1.0  # seconds after which a hiccup is none
WORTH = 1.0  # seconds that must be saved by going round it
FASTER = 2.0  # so many times faster the head must be, twice, than a source that is to blame
MUCH_FASTER = 5.0  # or once


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A source failed at this moment. `sure`: it had the full detection time to show that it lives. `lacks`: it lives,
    and no longer has what is wanted."""

    at: float
    sure: bool
    lacks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds. Everything follows from `stall`: silence for that long is death."""

    stall: float = 2.0

    @property
    def tick(self) -> float:
        """Between two signs of life."""
        return self.stall / 4

    @property
    def suspect(self) -> float:
        """After this much silence another source is looked for; the silent one may still come back."""
        return self.stall / 2

    def connect(self, *, hurries: bool) -> float:
        """A kernel that has not answered by now will not: a machine that is off costs this each. Nobody waits for a
        node at the end of the order, whose own link may be what is slow."""
        return self.stall / 8 if hurries else self.stall

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


def sources(before: Iterable[int], failures: Mapping[int, Failure], now: float, timing: Timing) -> tuple[int, ...]:
    """Of those a node may read from, best first, the ones that have not just failed."""
    return tuple(one for one in before if not _is_out(one, failures.get(one), now, timing))


def _is_out(rank: int, failure: Failure | None, now: float, timing: Timing) -> bool:
    # There is nothing after the head: it is asked again soon, it may be a server that restarts.
    wait = timing.tick if rank == HEAD_RANK else timing.forgive
    return failure is not None and now - failure.at < wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One reader of a source: its place in the order, and which bytes it still wants.

    `slow`: it is not to be waited for, since it takes nothing at present or was told to go to the end.
    """

    key: int
    rank: int
    position: int
    end: int
    ranged: bool = False
    insists: bool = False
    slow: bool = False


def leaders(claims: Iterable[Claim], streams: int = 1) -> list[Claim]:
    """The streams a source feeds first: the furthest on, then the nearest.

    A node that was away and is far behind waits for the chain's own stream: it must not halve the
    link that all the others hang on. So does one that has moved to the end, however far it is.
    """
    wanted = [claim for claim in claims if claim.position < claim.end and not claim.ranged and not claim.insists]
    return sorted(wanted, key=lambda claim: (claim.slow, claim.rank >= MOVED, -claim.position, claim.rank))[:streams]


def ahead_of(claim: Claim, claims: Iterable[Claim], streams: int = 1) -> int | None:
    """The rank of a reader that is fed before this one, or None: it is this one's turn.

    To mend a chunk is a small thing, and one that insists has nowhere else to go: these are fed beside the streams. But
    whom that one overtakes is slow, or was in its way: there is no place for it in the chain any more.
    """
    if claim.ranged or claim.insists:
        return None
    claims = list(claims)
    if overtaken_by := [one.rank for one in claims if _has_overtaken(one, claim)]:
        return max(overtaken_by)
    first = leaders(claims, streams)
    if not first or any(one.key == claim.key for one in first):
        return None
    return max((one.rank for one in first if one.rank < claim.rank), default=first[0].rank)


def _has_overtaken(one: Claim, other: Claim) -> bool:
    is_farther = one.position > other.position + LEAST_EVIDENCE
    return one.insists and not one.slow and is_farther and other.rank < one.rank < MOVED


class Move(StrEnum):
    """What a parked reader does."""

    WAIT = "wait"
    NEARER = "nearer"  # there is a living node between: read from that one
    INSIST = "insist"
    LAST = "last"  # the chain went on without us: read from its end


def when_parked(rank: int, fed: int, failures: Mapping[int, Failure]) -> Move:
    """`fed` is the rank of the reader that was preferred to us. It may be our own: the source has not seen yet that
    an earlier connection has ended."""
    if fed == rank:
        return Move.WAIT
    if fed > rank:
        return Move.WAIT if rank >= MOVED else Move.LAST
    failure = failures.get(place_of(fed))
    if failure and (failure.lacks or (failure.sure and rank >= MOVED)):
        return Move.WAIT
    return Move.INSIST if failure and failure.sure else Move.NEARER


def place_of(rank: int) -> int:
    """Where in the list of nodes the one of this rank stands, wherever it has moved to."""
    return rank - MOVED if rank >= MOVED else rank


def evidence(whole: float, share: float) -> float:
    """Seconds that a reader must have fallen behind in a broadcast that takes `whole` seconds: a fifth of the share
    that the others would mind. A hiccup is none, and one that is slow costs no more before it is seen."""
    return max(EVIDENCE, whole * share / 5)


def watch_for(whole: float, share: float) -> float:
    """For how many seconds a reader is watched, that one slower by more than `share` is found, and others are not."""
    return evidence(whole, share) / max(share, 0.01)


def holds_back(*, fallen: int, rate: float, could: float, share: float, left: int, needed: float) -> bool:
    """Whether a reader makes those behind it late: it takes `rate` of the `could` bytes a second that come, has fallen
    behind by `fallen` bytes while it was watched, and `left` are still to go. One slower by less than `share` is not
    minded. `needed`: seconds of evidence."""
    if could <= 0 or rate >= could * (1 - share):
        return False
    late = left / max(rate, 1.0) - left / could
    return fallen >= max(LEAST_EVIDENCE, needed * could) and late >= WORTH


def is_steady(falls: Sequence[float], looks: int, span: float) -> bool:
    """Whether a reader that has fallen behind by so many bytes in each of some equal parts of `span` seconds is slow.
    One that was held up for a moment loses much at once and then no more, though it never makes up for it where the
    stream takes all of the link. One that was seen only a few times may be held up now: then time must tell."""
    mean = sum(falls) / len(falls)
    return sum(fall >= mean / 4 for fall in falls) >= len(falls) * 3 / 4 and (looks >= FEW_LOOKS or span >= FROZEN)


def holds_itself_back(*, blocked: float, span: float, whole: float, share: float) -> bool:
    """Whether a node's own disk makes those behind it late: for `blocked` of the last `span` seconds it could take
    nothing, its memory being full, in a broadcast that would take `whole` seconds without that."""
    return share > 0 and blocked >= max(evidence(whole, share), share * span)


def is_to_blame(times_faster: Sequence[float]) -> bool:
    """Whether a source that is fed by the head holds its reader back. The head, asked by the reader, was so many times
    faster, each time. Were the head's own link the limit, the two streams would have shared it."""
    return bool(times_faster) and (
        times_faster[-1] >= MUCH_FASTER or (len(times_faster) > 1 and min(times_faster[-2:]) >= FASTER)
    )


def repair_source(attempt: int, before: Sequence[int]) -> int:
    """Whom to ask for a bad chunk, for the first, second, ... time. `before`: whom the one it came from reads from,
    best first; nobody, if it came from the head.

    First the nearest of these: it gives verified bytes only, not over the link that may have spoilt them, and a chain
    that is bad from one link on does not fall upon the head. Then the head.
    """
    return before[0] if attempt == 0 and before else HEAD_RANK


def is_worth_mending(wrong: int, elapsed: float, patience: float) -> bool:
    """Whether to ask for a bad chunk once more, after so many wrong answers and so many seconds."""
    return wrong < MOST_REPAIRS and elapsed < patience


def is_dead(quiet: float, timing: Timing) -> bool:
    """Silent for so many seconds although it should have said something."""
    return quiet >= timing.stall


def is_kept_for(rank: int, *, is_to_yield: bool) -> bool:
    """Whether a source keeps in its memory what this reader has not taken. Not for one at the end, or on its way there:
    else the source's memory would fill, and it, too, would be slow, and the one before it."""
    return rank < MOVED and not is_to_yield


def floor(positions: Iterable[tuple[int, float]], timing: Timing) -> int | None:
    """The lowest byte still needed by readers, of (position, seconds without progress); None: nobody needs any."""
    return min((position for position, still in positions if still < timing.hold), default=None)
