"""An operation's events as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

Each has the journal's number as its id, so that a client that lost the connection goes on where it was. A comment
every ten seconds keeps the connection known to be alive.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final

from starlette.responses import StreamingResponse

from kadeploy.domain.event import Event, to_json

KEEPALIVE: Final = 10.0  # seconds
_SILENCE: Final = b": nothing new\n\n"


def event_stream(events: AsyncGenerator[tuple[int, Event], None], *, keepalive: float = KEEPALIVE) -> StreamingResponse:
    """Ends with the operation. `X-Accel-Buffering` asks a proxy to pass on each event at once."""
    headers = {"X-Accel-Buffering": "no"}
    return StreamingResponse(_blocks(events, keepalive), media_type="text/event-stream", headers=headers)


def block(number: int, event: Event) -> bytes:
    """One event. Progress, which is kept nowhere, comes with the number of what is journalled before it."""
    data = to_json(event)
    return f"id: {number}\nevent: {data['kind']}\ndata: {json.dumps(data)}\n\n".encode()


async def _blocks(events: AsyncGenerator[tuple[int, Event], None], keepalive: float) -> AsyncIterator[bytes]:
    yield b": events\n\n"  # the headers leave at once, so that a client knows it is listening
    waiting: asyncio.Future[tuple[int, Event]] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait({waiting}, timeout=keepalive)
            if not done:
                yield _SILENCE
                continue
            try:
                number, event = waiting.result()
            except StopAsyncIteration:
                return
            waiting = None
            yield block(number, event)
    finally:
        if waiting is not None:
            waiting.cancel()  # ends the iteration where it waits
        else:
            await events.aclose()
