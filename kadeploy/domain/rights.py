"""Rights: who may operate which node and install which partition. `*` means every one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from kadeploy.domain.nodeset import NodeSet

EVERY: Final = "*"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Right:
    """`partition` is a device path such as /dev/vda3."""

    user: str
    node: str = EVERY
    partition: str = EVERY


def refused(rights: Iterable[Right], nodes: NodeSet, partition_of: dict[str, str] | None = None) -> NodeSet:
    """The nodes these rights do not cover.

    `partition_of` gives each node's target partition; without it any right on the node suffices
    (reboot, power, console).
    """
    held = tuple(rights)
    return NodeSet(
        name for name in nodes if not any(_covers(right, name, (partition_of or {}).get(name, "")) for right in held)
    )


def _covers(right: Right, node: str, partition: str) -> bool:
    return right.node in (EVERY, node) and (not partition or right.partition in (EVERY, partition))
