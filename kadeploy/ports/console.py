"""Consoles: the serial line of each node, as bytes both ways."""

from __future__ import annotations

from typing import Protocol


class Line(Protocol):
    """One open serial line. Whoever opened it closes it, whatever happens."""

    async def read(self) -> bytes:
        """What the node says next; nothing when the line has ended, now and for ever."""
        ...

    def write(self, data: bytes) -> None:
        """Type. What the line does not take is lost, as on a real one; nothing happens when it has ended."""
        ...

    async def close(self) -> str:
        """End it, also what carries it; again does nothing. Why it had ended by itself, empty when that was well."""
        ...


class Consoles(Protocol):
    def has(self, node: str) -> bool:
        """Whether there is a way to the node's console."""
        ...

    async def open(self, node: str) -> Line:
        """Raises CommandFailed when the way cannot be taken. A line may say what the node has said before."""
        ...
