"""Presence: which nodes answer, and in which system."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from enum import StrEnum
from typing import Protocol

from kadeploy.domain.nodeset import NodeSet


class System(StrEnum):
    """The minimal environment (its agent reports), or what is installed on the node's disk (it answers)."""

    MINIMAL = "minimal"
    INSTALLED = "installed"


class Presence(Protocol):
    def watch(self, nodes: NodeSet, system: System, since: float) -> AsyncGenerator[str, None]:
        """Yield each node once, as soon as it answers in that system; ends when all have, else never.

        Only a minimal environment booted after `since` (seconds since the epoch) counts: one that was up before
        the reboot is the old one.
        """
        ...
