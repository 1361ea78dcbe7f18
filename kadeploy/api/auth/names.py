"""Host names and addresses, asked from the system's resolver without blocking, and remembered for a minute."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Final

_KEPT: Final = 60.0  # seconds
_MOST: Final = 10_000


class Names:
    """Both ways answer with nothing when the resolver has no answer."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str], tuple[float, frozenset[str]]] = {}

    async def addresses(self, name: str) -> frozenset[str]:
        async def ask() -> frozenset[str]:
            found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
            return frozenset(str(entry[4][0]) for entry in found)

        return await self._remembered(("addresses", name), ask)

    async def names(self, address: str) -> frozenset[str]:
        """Only a name that leads back to the address counts: anybody can write any name into a reverse zone."""

        async def ask() -> frozenset[str]:
            name, _ = await asyncio.get_running_loop().getnameinfo((address, 0), socket.NI_NAMEREQD)
            return frozenset({name}) if address in await self.addresses(name) else frozenset()

        return await self._remembered(("names", address), ask)

    async def _remembered(self, key: tuple[str, str], ask: Callable[[], Awaitable[frozenset[str]]]) -> frozenset[str]:
        until, answer = self._answers.get(key, (0.0, frozenset()))
        if until > time.monotonic():
            return answer
        try:
            answer = await ask()
        except OSError:
            answer = frozenset()
        if len(self._answers) >= _MOST:
            self._answers.clear()
        self._answers[key] = (time.monotonic() + _KEPT, answer)
        return answer
