"""Engine: carries out recorded operations."""

from __future__ import annotations

from typing import Protocol


class Engine(Protocol):
    async def start(self, operation_id: str) -> None:
        """Begin an operation that is recorded with its plans; returns at once."""
        ...

    async def abort(self, operation_id: str) -> None:
        """Stop it: running commands end, its nodes are given back as aborted; returns when that is done."""
        ...
