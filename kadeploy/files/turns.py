"""Work that several ask for at once is done once: those who come while it is done share its answer or its failure.

Who does it may be cancelled: then the next of those who wait does it.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from kadeploy.errors import KadeployError

T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class _Turn(Generic[T]):
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    wanted_by: int = 0
    ended: int = -1
    answer: T | None = None
    failure: KadeployError | None = None


class Turns(Generic[T]):
    def __init__(self) -> None:
        self._turns: dict[str, _Turn[T]] = {}
        self._ticks = itertools.count()

    async def share(self, key: str, work: Callable[[], Awaitable[T]]) -> T:
        arrived = next(self._ticks)
        turn = self._turns.setdefault(key, _Turn())
        turn.wanted_by += 1
        try:
            async with turn.lock:
                if turn.ended < arrived:
                    await self._do(turn, work)
                if turn.failure is not None:
                    raise turn.failure
                assert turn.answer is not None
                return turn.answer
        finally:
            turn.wanted_by -= 1
            if not turn.wanted_by:
                del self._turns[key]

    async def _do(self, turn: _Turn[T], work: Callable[[], Awaitable[T]]) -> None:
        turn.failure = None
        try:
            turn.answer = await work()
        except KadeployError as error:
            turn.failure = error
        turn.ended = next(self._ticks)
