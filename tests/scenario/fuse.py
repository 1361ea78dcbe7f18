"""A store that ends the server's life at a chosen call: before what the call does, or behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from kadeploy.domain.event import Event, NodesHeld, OperationEnded
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation
from kadeploy.domain.state import OperationState
from kadeploy.ports.record import Answer, Breakpoint, Conclusion
from kadeploy.testing.memory_operations import MemoryOperations

T = TypeVar("T")


class FusedOperations(MemoryOperations):
    """`left` counts down twice a call, before it and behind it; at zero nothing happens any more. Negative: never."""

    def __init__(self, journal: list[Event], left: int = -1) -> None:
        super().__init__(journal)
        self.left = left
        self.passed = 0
        self.blown = asyncio.Event()

    async def get(self, operation_id: str, *, even_forgotten: bool = False) -> Operation:
        return await self._between(partial(super().get, operation_id, even_forgotten=even_forgotten))

    async def answer(self, key: str) -> Answer | None:
        return await self._between(partial(super().answer, key))

    async def conclude(self, conclusion: Conclusion) -> NodeSet:
        return await self._between(partial(super().conclude, conclusion))

    async def hold(self, event: NodesHeld) -> NodesHeld | None:
        return await self._between(partial(super().hold, event))

    async def lifted(self, operation_id: str) -> frozenset[Breakpoint]:
        return await self._between(partial(super().lifted, operation_id))

    async def end(self, operation_id: str, state: OperationState, *, at: float, error: str = "") -> OperationEnded:
        return await self._between(partial(super().end, operation_id, state, at=at, error=error))

    async def _between(self, call: Callable[[], Awaitable[T]]) -> T:
        await self._burn()
        answer = await call()
        await self._burn()
        return answer

    async def _burn(self) -> None:
        self.passed += 1
        if self.left == 0:
            self.blown.set()
            await asyncio.Event().wait()
        self.left -= 1
