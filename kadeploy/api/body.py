"""The body of a request as it comes, for what is too large to be parameters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from starlette.requests import ClientDisconnect, Request

from kadeploy.errors import Unavailable

LARGEST: Final = 2**50  # bytes; what a user may send is for the quota to say
STALL: Final = 60.0  # seconds without a byte after which the sender is given up


async def content_of(request: Request) -> AsyncIterator[bytes]:
    """Raises Unavailable when it breaks off: who sent it will hardly hear that."""
    stream = request.stream()
    try:
        while True:
            async with asyncio.timeout(STALL):
                piece = await anext(stream, None)
            if piece is None:
                return
            yield piece
    except (ClientDisconnect, TimeoutError) as error:
        raise Unavailable("the request ended before its body was whole") from error
