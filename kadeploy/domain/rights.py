"""Rights: who may operate which node and install which partition, and when. `*` means every one.

A right is a user's, or a group's: then its name begins with `@`, which no user's does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from kadeploy.domain.nodeset import NodeSet

EVERY: Final = "*"
GROUP: Final = "@"
NO_END: Final = math.inf


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Right:
    """`user` is a user's name, or `@` and a group's; `partition` is a device path such as /dev/vda3.

    It counts from `since` up to `until`, without `until` itself; both are seconds since the epoch.
    """

    user: str
    node: str = EVERY
    partition: str = EVERY
    since: float = 0.0
    until: float = NO_END

    def holds(self, at: float) -> bool:
        return self.since <= at < self.until

    def meets(self, other: Right) -> bool:
        """Whether there is a moment at which both hold."""
        return self.since < other.until and other.since < self.until


def holders(user: str, groups: Iterable[str]) -> tuple[str, ...]:
    """Whose rights a user has: their own, and those of their groups."""
    return (user, *(f"{GROUP}{group}" for group in sorted(groups)))


def refused(
    rights: Iterable[Right], nodes: NodeSet, partition_of: dict[str, str] | None = None, *, at: float
) -> NodeSet:
    """The nodes that these rights do not cover at that moment.

    `partition_of` gives each node's target partition; without it any right on the node suffices
    (reboot, power, console).
    """
    held = tuple(right for right in rights if right.holds(at))
    partitions = {right.partition for right in held if right.node == EVERY}
    by_node: dict[str, set[str]] = {}
    for right in held:
        by_node.setdefault(right.node, set()).add(right.partition)
    wanted = partition_of or {}
    return NodeSet(name for name in nodes if not _covers(partitions | by_node.get(name, set()), wanted.get(name, "")))


def _covers(partitions: set[str], wanted: str) -> bool:
    return bool(partitions) and (not wanted or EVERY in partitions or wanted in partitions)


def in_the_way(held: Iterable[Right], wanted: Iterable[Right], administrators: frozenset[str]) -> list[Right]:
    """The held rights that forbid granting the wanted ones, which are all one user's or one group's.

    At any moment a node is one user's or one group's, whatever the partition; administrators do not count. `*` is every
    node: it stands in the way of each, and each of it.
    """
    claims = tuple(wanted)
    users = {claim.user for claim in claims}
    each_time = {(claim.since, claim.until): claim for claim in claims}
    nodes = {claim.node for claim in claims}
    return sorted(
        right
        for right in held
        if right.user not in users | administrators
        and (right.node in nodes or right.node == EVERY or EVERY in nodes)
        and any(right.meets(claim) for claim in each_time.values())
    )


def cannot_be_taken(blocking: Iterable[Right], wanted: Iterable[Right]) -> list[Right]:
    """Rights on every node, when single nodes are wanted: one node cannot be taken out of `*`."""
    if any(claim.node == EVERY for claim in wanted):
        return []
    return [right for right in blocking if right.node == EVERY]


def left_before(overwritten: Iterable[Right], begin: float) -> list[Right]:
    """What is left of rights that others take over at that moment: the time before it."""
    return [replace(right, until=begin) for right in overwritten if right.since < begin]


def replaced(held: Iterable[Right], wanted: Iterable[Right]) -> list[Right]:
    """The held rights that the wanted ones of the same user, node and partition stand for, in a time that both have:
    to give a right once more sets its time anew."""
    claims: dict[tuple[str, str, str], list[Right]] = {}
    for claim in wanted:
        claims.setdefault((claim.user, claim.node, claim.partition), []).append(claim)
    return [
        right
        for right in held
        if any(right.meets(claim) for claim in claims.get((right.user, right.node, right.partition), ()))
    ]
