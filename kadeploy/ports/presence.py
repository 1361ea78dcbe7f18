"""Presence: which nodes answer, and in which system."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from enum import StrEnum
from typing import Protocol

from kadeploy.domain.nodeset import NodeSet


class System(StrEnum):
    """The minimal environment (its agent reports), or what is installed on the node's disk (it answers)."""

    MINIMAL = "minimal"
    INSTALLED = "installed"


class Presence(Protocol):
    def watch(
        self,
        nodes: NodeSet,
        system: System,
        since: float,
        *,
        owner: str = "",
        addresses: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[str, None]:
        """Yield each node once, as soon as it answers in that system; ends when all have, else never.

        Only a minimal environment booted after `since` (seconds since the epoch) counts: one that was up before
        the reboot is the old one. `owner` is the operation: those that watch many nodes and few are looked after alike.
        `addresses` are those of nodes whose installed system has another there than their own.
        """
        ...
