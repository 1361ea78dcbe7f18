"""Reads of one thing by many at the same time are one read: a thousand tools poll the same operation every second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Turn(Generic[T]):
    """The read that is under way, and the one for all who have asked since."""

    running: asyncio.Task[T] | None = None
    coming: asyncio.Task[T] | None = None


class SharedReads(Generic[T]):
    """Whoever asks while a read is under way gets the next one: what is answered was true after it was asked for."""

    def __init__(self) -> None:
        self._turns: dict[str, _Turn[T]] = {}

    async def of(self, key: str, read: Callable[[], Awaitable[T]]) -> T:
        """What `read` answers, or raises. It goes on for the others when one who waits is cancelled."""
        turn = self._turns.setdefault(key, _Turn())
        if turn.coming is None:
            turn.coming = asyncio.create_task(self._read(key, turn, read), name=f"read {key}")
            turn.coming.add_done_callback(_heard)
        return await asyncio.shield(turn.coming)

    async def _read(self, key: str, turn: _Turn[T], read: Callable[[], Awaitable[T]]) -> T:
        if turn.running is not None:
            await asyncio.wait({turn.running})
        turn.running, turn.coming = turn.coming, None
        try:
            return await read()
        finally:
            if turn.coming is None:
                del self._turns[key]


def _heard(task: asyncio.Task[object]) -> None:
    """Nobody may be left to hear why it failed."""
    if not task.cancelled():
        task.exception()
