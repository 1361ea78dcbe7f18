"""Hearing every fault of a request at once: checks that do not depend on each other each run in a `with`."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TypeVar

from kadeploy.errors import KadeployError

T = TypeVar("T")


class Gathering:
    """Keeps the errors of the blocks it guards; `settle` raises them as one, of the first one's kind."""

    def __init__(self) -> None:
        self.errors: list[KadeployError] = []

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, KadeployError):
            if str(error) not in map(str, self.errors):
                self.errors.append(error)
            return True
        return False

    def catch(self, work: Callable[[], T]) -> T | None:
        """What it returns, None when it was refused."""
        with self:
            return work()
        return None

    def settle(self) -> None:
        """Raise what was gathered, if anything was."""
        if len(self.errors) == 1:
            raise self.errors[0]
        if self.errors:
            told = "".join(f"\n  {error}" for error in self.errors)
            raise type(self.errors[0])(f"the request has {len(self.errors)} faults:{told}")
