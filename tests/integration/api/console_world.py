"""A served house with consoles, and what the tests of consoles do there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import httpx2
from httpx2.websockets import AsyncWebSocketSession, WebSocketDisconnect

from tests.integration.api.house import NAMES, TRUSTED
from tests.integration.security.served import Served, served

NODE = NAMES[0]
Json = dict[str, Any]
LOGIN = b"login: "


class World:
    """A served house in which alice has a right on node-1, and consoles are carried."""

    def __init__(self, server: Served) -> None:
        self.server = server
        self.house = server.house
        self.serial = server.house.serials[NODE]

    def client(self, user: str = "alice") -> httpx2.AsyncClient:
        headers = {"X-Kadeploy-User": user}
        verify = self.server.trust() if self.server.tls.api else False
        return httpx2.AsyncClient(base_url=self.server.url, headers=headers, verify=verify)

    @contextlib.asynccontextmanager
    async def stream(self, wid: str, user: str = "alice", **headers: str) -> AsyncIterator[AsyncWebSocketSession]:
        async with (
            self.client(user) as client,
            client.websocket(f"{self.server.url}/console/{wid}/stream", headers=headers) as socket,
        ):
            assert await socket.receive_bytes() == b""
            yield socket


async def hears(socket: AsyncWebSocketSession, until: bytes) -> bytes:
    heard = b""
    while until not in heard:
        heard += await socket.receive_bytes()
    return heard


async def ended(socket: AsyncWebSocketSession) -> WebSocketDisconnect:
    while True:
        try:
            await socket.receive_bytes()
        except WebSocketDisconnect as end:
            return end


async def until(claim: Callable[[], bool]) -> None:
    """The deadline is the test's."""
    for _ in iter(claim, True):
        await asyncio.sleep(0)


async def answered(client: httpx2.AsyncClient, method: str, path: str, **body: object) -> Json:
    answer = await client.request(method, path, json=body if method != "GET" else None)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def created(world: World, user: str = "alice", **more: object) -> Json:
    async with world.client(user) as client:
        return await answered(client, "POST", "/console/", node="node-1", **more)


def at_consoles(
    directory: Path, scenario: Callable[[World], Coroutine[Any, Any, None]], *, secure: bool = False
) -> None:
    async def run() -> None:
        async with asyncio.timeout(50), served(directory, TRUSTED, secure=secure) as server:
            carrying = asyncio.create_task(server.house.use_cases.consoles.serve())
            server.house.serials[NODE].say(f"\n{NODE} login: ")
            await server.house.grant("alice", NODE)
            try:
                await asyncio.sleep(0)
                await scenario(World(server))
            finally:
                carrying.cancel()
                await asyncio.gather(carrying, return_exceptions=True)

    asyncio.run(run())


async def connected(made: Json) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = made["resources"]["console"].removeprefix("tcp://").split(":")
    return await asyncio.open_connection(host, int(port))


async def left(writer: asyncio.StreamWriter) -> None:
    writer.close()
    await writer.wait_closed()
