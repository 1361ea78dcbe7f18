"""Hearing every fault of a request at once: checks that do not depend on each other each run in a `with`, or side by
side when they wait for others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TypeVar, cast

from kadeploy.errors import KadeployError

T = TypeVar("T")


class Gathering:
    """Keeps the errors of the blocks it guards; `settle` raises them as one, of the first one's kind."""

    def __init__(self) -> None:
        self._errors: list[KadeployError | None] = []

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, KadeployError):
            self._errors.append(error)
            return True
        return False

    def catch(self, work: Callable[[], T]) -> T | None:
        """What it returns, None when it was refused."""
        with self:
            return work()
        return None

    async def hear(self, work: Awaitable[T]) -> T | None:
        """As `catch`, for what is done beside others: errors are told in the order of beginning, not of failing."""
        place = len(self._errors)
        self._errors.append(None)
        try:
            return await work
        except KadeployError as error:
            self._errors[place] = error
            return None

    @property
    def errors(self) -> list[KadeployError]:
        """Each once, however often it came, and those that came as one by themselves."""
        once: dict[str, KadeployError] = {}
        for error in self._errors:
            for part in (error.parts or (error,)) if error is not None else ():
                once.setdefault(str(part), part)
        return list(once.values())

    def settle(self) -> None:
        """Raise what was gathered, if anything was."""
        errors = self.errors
        if len(errors) == 1:
            raise errors[0]
        if errors:
            told = "".join(f"\n  {error}" for error in errors)
            combined = type(errors[0])(f"the request has {len(errors)} faults:{told}")
            combined.parts = errors
            raise combined


async def gathered(*works: Awaitable[T]) -> list[T]:
    """What they return, done side by side; raises the faults of all of them. None is left at work."""
    gathering = Gathering()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(gathering.hear(work)) for work in works]
    gathering.settle()
    return [cast(T, task.result()) for task in tasks]
