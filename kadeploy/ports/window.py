"""Window: how many nodes may do something at once, over all operations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What became of the nodes, and how many seconds it took until the last of them was let in."""

    result: Result
    waited: float


class Window(Protocol):
    """Fair: operations (`owner`) that wait are let in by turns, however many nodes each of them has."""

    async def through(
        self, units: Iterable[NodeSet], act: Callable[[NodeSet], Awaitable[Result]], *, owner: str
    ) -> Passed:
        """Call `act` on every unit, as soon as there is room for all nodes of it; a unit that is larger than the
        window has it for itself."""
        ...
