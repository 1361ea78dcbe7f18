"""Carries bytes between somebody at a console and the console, until either has no more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from kadeploy.operations.consoles import Attended

Receive = Callable[[], Awaitable[bytes]]
Send = Callable[[bytes], Awaitable[None]]


async def carry(attended: Attended, receive: Receive, send: Send) -> None:
    """`receive` gives what is typed, and nothing when that has ended. Raises what the two raise."""

    async def keys() -> None:
        while typed := await receive():
            attended.type(typed)

    async def screen() -> None:
        while said := await attended.read():
            await send(said)

    both = [asyncio.create_task(keys(), name="keys"), asyncio.create_task(screen(), name="screen")]
    try:
        done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in both:
            task.cancel()
        await asyncio.gather(*both, return_exceptions=True)
