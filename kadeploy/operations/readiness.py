"""Whether the server can do what it is for: each of its parts is asked, and all that are not ready are named."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from kadeploy.errors import KadeployError

Check = Callable[[], Awaitable[None]]
"""Raises KadeployError when the part is not ready."""
LONGEST: Final = 5.0  # seconds that a part may take to answer


class Readiness:
    """The use case; `parts` by name."""

    def __init__(self, parts: Mapping[str, Check]) -> None:
        self._parts = parts

    async def faults(self) -> Mapping[str, str]:
        """What is wrong with each part that is not ready."""
        found = {}
        for name, check in self._parts.items():
            try:
                async with asyncio.timeout(LONGEST):
                    await check()
            except TimeoutError:
                found[name] = f"does not answer within {LONGEST:.0f} s"
            except KadeployError as error:
                found[name] = str(error)
        return found

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(self._parts)
