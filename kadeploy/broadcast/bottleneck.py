"""What holds a broadcast back, named: pure, from what the nodes last said."""

from __future__ import annotations

from collections.abc import Mapping

from kadeploy.broadcast.order import MOVED
from kadeploy.broadcast.reception import Progress

FULL = 0.5  # of its time a node had no room for more: its disk is slower than its link
BEHIND = 1.0  # seconds of its rate that a source is ahead of its reader, when the link between them is slow
LEAST_BEHIND = 8 << 20  # bytes


def bottleneck(progress: Mapping[str, Progress], size: int) -> str:
    """In words, such as "disk of node-17" or "link from node-3 to node-4"; empty when nothing is waited for.

    Nodes that were moved to the end hold back nobody: they count only when all others are through.
    """
    unfinished = {name: one for name, one in progress.items() if one.written < size}
    waited_for = {name: one for name, one in unfinished.items() if one.rank < MOVED} or unfinished
    receiving = {name: one for name, one in waited_for.items() if one.received < size}
    full = {name: one for name, one in receiving.items() if one.blocked >= FULL}
    if full:
        return f"disk of {max(full, key=lambda name: full[name].blocked)}"
    if receiving:
        return _slowest_link(receiving, progress)
    if waited_for:
        return f"disk of {min(waited_for, key=lambda name: waited_for[name].written)}"
    return ""


def _slowest_link(receiving: Mapping[str, Progress], progress: Mapping[str, Progress]) -> str:
    def behind(name: str) -> int:
        source = progress.get(receiving[name].source)
        return source.received - receiving[name].received if source else 0

    worst = max(receiving, key=behind)
    source = progress.get(receiving[worst].source)
    if source and behind(worst) >= max(LEAST_BEHIND, BEHIND * receiving[worst].rate):
        return f"link from {receiving[worst].source} to {worst}"
    first = min(receiving, key=lambda name: receiving[name].rank)
    return f"link of {receiving[first].source or 'the server'}"
