"""Engine: carries out recorded operations, and lets go of what people take from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from kadeploy.domain.event import NodesAborted
from kadeploy.domain.nodeset import NodeSet


class Engine(Protocol):
    async def start(self, operation_id: str) -> None:
        """Begin an operation that is recorded with its plans and has its nodes; returns at once."""
        ...

    async def abort(self, operation_id: str, *, by: str, why: str = "") -> None:
        """Stop it, wherever it is: running commands end, its nodes are given back as aborted; returns when that is
        done. One that has ended stays as it is."""
        ...

    async def withdraw(self, operation_id: str, nodes: NodeSet, *, by: str, why: str = "") -> NodeSet:
        """The same for some of its nodes; the others go on. Those for which it was not too late."""
        ...

    async def overtaken(self, event: NodesAborted) -> None:
        """Another operation has taken these nodes, which is recorded: end what runs on them; returns when that is
        done."""
        ...

    async def resume(self, operation_id: str, *, by: str) -> NodeSet:
        """Let the nodes that are held go on, and hold no others where they were; who they are, nobody if none were."""
        ...

    async def forget(self, operation_ids: Sequence[str]) -> None:
        """Drop what is kept to carry out operations that have ended, and whose records are gone."""
        ...
