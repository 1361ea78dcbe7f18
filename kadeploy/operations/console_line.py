"""A node's console while somebody attends it: one line to the node, whoever many listen.

What the node says is kept for those who come later, up to a bound; a listener who is too slow for it loses the oldest,
and holds up nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from kadeploy.ports.console import Line

Write = Callable[[bytes], None]


class Listener:
    """What one of those who attend has not heard yet, `bound` bytes at most."""

    def __init__(self, heard: bytes, bound: int) -> None:
        self._waiting = bytearray(heard)
        self._bound = bound
        self._ended = False
        self._news = asyncio.Event()
        self._news.set()

    def hear(self, data: bytes) -> None:
        if self._ended:
            return
        self._waiting += data
        del self._waiting[: -self._bound]
        self._news.set()

    def end(self, last: bytes = b"") -> None:
        """Nothing comes any more after these last words; once only."""
        if not self._ended:
            self.hear(last)
            self._ended = True
            self._news.set()

    async def read(self) -> bytes:
        """Nothing at the end."""
        await self._news.wait()
        data = bytes(self._waiting)
        self._waiting.clear()
        if not self._ended:
            self._news.clear()
        return data


class SharedLine:
    """`keep` writes what the node says to a log."""

    def __init__(self, line: Line, *, scrollback: int, keep: Write) -> None:
        self._line = line
        self._scrollback = scrollback
        self._keep = keep
        self._said = bytearray()
        self._listeners: set[Listener] = set()
        self.is_over = False

    @property
    def is_attended(self) -> bool:
        return bool(self._listeners)

    def listen(self) -> Listener:
        """From what is kept on."""
        listener = Listener(bytes(self._said), max(self._scrollback, 1))
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        self._listeners.discard(listener)
        listener.end()

    def write(self, data: bytes) -> None:
        if not self.is_over:
            self._line.write(data)

    async def abandon(self) -> None:
        """Close the line without having carried anything."""
        await self._line.close()

    async def carry(self) -> str:
        """Until the line ends or this is cancelled; the line is closed then. Why it ended, empty when that was well."""
        why = ""
        try:
            while data := await self._line.read():
                self._keep(data)
                self._said += data
                del self._said[: -self._scrollback]
                for listener in self._listeners:
                    listener.hear(data)
        finally:
            self.is_over = True
            why = await asyncio.shield(asyncio.ensure_future(self._line.close()))
            for listener in tuple(self._listeners):
                listener.end(f"\r\n[kadeploy] {why or 'the console has ended'}\r\n".encode())
        return why
