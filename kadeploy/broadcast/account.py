"""How a node's reception went, in words: how long the network took, how long the disk, what was wrong on the way."""

from __future__ import annotations

from collections.abc import Iterator

from kadeploy.broadcast.reception import Outcome


def account(outcome: Outcome) -> str:
    """Of one that is done, a line for each thing worth telling."""
    sources = ", then ".join(outcome.sources) or "nobody"
    received, written = outcome.received_after or 0.0, outcome.written_after or 0.0
    return "\n".join((f"received in {received:.1f} s from {sources}, written after {written:.1f} s", *remarks(outcome)))


def remarks(outcome: Outcome) -> Iterator[str]:
    """What went otherwise than it should: the links that bytes came bad over, a move to the end of the chain."""
    for repaired in outcome.repaired:
        yield f"{repaired}, and was fetched again"
    if outcome.moved:
        yield f"moved to the end of the chain: {outcome.moved}"
