"""`GET /console/{wid}/stream`: a console as a WebSocket (RFC 6455), behind the same door as every request.

Binary messages are bytes both ways. The last one says why the console has ended, if that was not the client's wish.
"""

from __future__ import annotations

from starlette.websockets import WebSocket, WebSocketDisconnect

from kadeploy.api import problems
from kadeploy.api.auth.chain import Chain
from kadeploy.api.carry import carry
from kadeploy.api.endpoint import credentials_of, refuse
from kadeploy.api.origin import refuse_strange_pages
from kadeploy.api.paths import segment
from kadeploy.api.server import Settings
from kadeploy.domain.access import Access
from kadeploy.errors import KadeployError
from kadeploy.operations.consoles import Consoles

PATH = "/console/{wid}/stream"
NORMAL, FAILED = 1000, 1011  # RFC 6455, 7.4.1


class ConsoleStream:
    def __init__(self, consoles: Consoles, chain: Chain, settings: Settings) -> None:
        self._consoles = consoles
        self._chain = chain
        self._settings = settings

    async def answer(self, socket: WebSocket) -> None:
        try:
            refuse_strange_pages(socket)
            caller = await self._chain.caller(credentials_of(socket, self._settings))
            refuse(caller, Access.OPERATE)
            async with self._consoles.attend(caller, segment(socket.path_params["wid"])) as attended:
                await socket.accept()
                try:
                    await socket.send_bytes(b"")  # so that a client need not wait for what may not come
                    await carry(attended, lambda: _typed(socket), socket.send_bytes)
                    failure = attended.session.failure
                    await socket.close(FAILED if failure else NORMAL, reason=_short(str(failure or "")))
                except (WebSocketDisconnect, RuntimeError):
                    return  # it has left
        except KadeployError as error:
            await socket.send_denial_response(problems.answer(error, challenge=self._chain.challenge))


async def _typed(socket: WebSocket) -> bytes:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return b""
        if data := message.get("bytes") or (message.get("text") or "").encode():
            return bytes(data)


def _short(reason: str) -> str:
    """A reason has 123 bytes at most (RFC 6455, 5.5)."""
    return reason.encode()[:120].decode(errors="ignore")
