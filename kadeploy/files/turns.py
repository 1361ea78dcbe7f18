"""Work that several ask for at once is done once: those who come while it is done share its answer or its failure.

Each of them may give up alone. The work is ended when nobody waits for it any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class _Turn(Generic[T]):
    task: asyncio.Task[T]
    wanted_by: int = 0


class Turns(Generic[T]):
    def __init__(self) -> None:
        self._turns: dict[str, _Turn[T]] = {}

    async def share(self, key: str, work: Callable[[], Awaitable[T]]) -> T:
        """Raises what the work raises, to all who wait for it."""
        turn = self._turns.get(key)
        if turn is None or turn.task.done() or turn.task.cancelling():
            turn = self._turns[key] = _Turn(task=asyncio.create_task(_done(work)))
        turn.wanted_by += 1
        try:
            return await asyncio.shield(turn.task)
        finally:
            turn.wanted_by -= 1
            if not turn.wanted_by:
                await self._end(key, turn)

    async def _end(self, key: str, turn: _Turn[T]) -> None:
        if self._turns.get(key) is turn:
            del self._turns[key]
        if not turn.task.done():
            turn.task.cancel()
            await asyncio.wait([turn.task])  # so that nothing of it is left when the last one has gone


def _done(work: Callable[[], Awaitable[T]]) -> Coroutine[Any, Any, T]:
    async def doing() -> T:
        return await work()

    return doing()
