"""Boot: decide what nodes boot when their firmware next asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kadeploy.domain.boot import BootTarget
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectBoot:
    """What a running system needs to start the minimal environment by itself: files of this server, and the kernel's
    arguments, with a secret that is the node's own for this boot."""

    kernel: str
    initrd: str
    agent: str
    arguments: tuple[str, ...]


class Boot(Protocol):
    """The answer holds until it is set again, across restarts of the server."""

    async def set(self, nodes: NodeSet, target: BootTarget, *, only_from_minimal: bool = False) -> Result:
        """`only_from_minimal`: those that boot something else than the minimal environment keep it."""
        ...

    async def direct(self, node: str, target: BootTarget) -> DirectBoot:
        """For one node, of a kind that boots the minimal environment. Each call makes a new secret, and only the last
        one counts."""
        ...
