"""Clients of a server that poll one operation, each as Kadeploy3's own tool does, and readers of its event stream:
`python -m bench.pollers`, told what to do as JSON on standard input, and until when by its end. Prints JSON."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Final

ROUND: Final = 1.0  # seconds between a client's polls
HEAD: Final = "Host: {host}\r\nAccept: application/json\r\nAccept-Encoding: gzip\r\nX-Kadeploy-User: root\r\n"


@dataclass(slots=True)
class Told:
    """Seconds that each answer took, by what was asked; how much too late this process itself came to ask; errors; and
    bytes that the event streams brought."""

    took: dict[str, list[float]] = field(default_factory=dict)
    late: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    streamed: int = 0
    streams: int = 0


class Pollers:
    def __init__(self, host: str, port: int, resource: str) -> None:
        self.told = Told()
        self._host, self._port, self._resource = host, port, resource
        self._head = HEAD.format(host=f"{host}:{port}")

    async def poll(self, after: float) -> None:
        """One tool: the state, the log when there is news, a pause; `after` seconds later than the first."""
        await asyncio.sleep(after)
        loop = asyncio.get_running_loop()
        while True:
            if b'"logs": true' in await self._get("state", self._resource):
                await self._get("logs", f"{self._resource}/logs")
            due = loop.time() + ROUND
            await asyncio.sleep(ROUND)
            self.told.late.append(loop.time() - due)

    async def follow(self) -> None:
        """One reader of the stream, for as long as it goes."""
        self.told.streams += 1
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(f"GET {self._resource}/events HTTP/1.1\r\n{self._head}\r\n".encode())
            while some := await reader.read(65536):
                self.told.streamed += len(some)
        finally:
            writer.close()

    async def _get(self, what: str, path: str) -> bytes:
        """A connection of its own for each request, as the tool has."""
        began = time.monotonic()
        try:
            reader, writer = await asyncio.open_connection(self._host, self._port)
            plain = self._head.replace("Accept-Encoding: gzip\r\n", "")
            writer.write(f"GET {path} HTTP/1.1\r\n{plain}Connection: close\r\n\r\n".encode())
            answer = await reader.read(-1)
            writer.close()
        except OSError as error:
            self.told.errors.append(str(error))
            return b""
        head, _, body = answer.partition(b"\r\n\r\n")
        self.told.took.setdefault(what, []).append(time.monotonic() - began)
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            self.told.errors.append(head.split(b"\r\n", 1)[0].decode())
            return b""
        return body


async def main() -> None:
    gc.disable()  # a collection here would be told as the server's time
    asked = json.loads(sys.stdin.readline())
    pollers = Pollers(asked["host"], asked["port"], asked["resource"])
    clients: int = asked["clients"]
    work = [asyncio.create_task(pollers.poll(ROUND * index / clients)) for index in range(clients)]
    work += [asyncio.create_task(pollers.follow()) for _ in range(asked["streams"])]
    await asyncio.to_thread(sys.stdin.read)
    for task in work:
        task.cancel()
    for ended in await asyncio.gather(*work, return_exceptions=True):
        if ended is not None and not isinstance(ended, asyncio.CancelledError):
            pollers.told.errors.append(repr(ended))
    print(json.dumps(asdict(pollers.told)))


if __name__ == "__main__":
    asyncio.run(main())
