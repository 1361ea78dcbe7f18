"""Asks a server the same few things at a fixed pace, from a process of its own: `python -m bench.api_probe HOST PORT
LEAST`. Every line of its standard input is the operation to ask about from then on; it begins with the first and ends
after so many requests, or with its input. Prints JSON.

A request takes as long as it took after the moment at which it was due: while a server stands still those that follow
are due all the same, and all of them are late.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import threading
from dataclasses import asdict, dataclass, field
from typing import Final

PACE: Final = {  # requests a second
    "/deployment": 2.0,
    "/deployment/{wid}": 10.0,
    "/deployment/{wid}/board": 2.0,
    "/nodes/node-7": 10.0,
}
REQUEST: Final = "GET {path} HTTP/1.1\r\nHost: {host}\r\nX-Kadeploy-User: root\r\nConnection: close\r\n\r\n"


@dataclass(slots=True)
class Told:
    """Seconds of every request, by path; how much too late this process itself began them; and what went wrong."""

    took: dict[str, list[float]] = field(default_factory=lambda: {path: [] for path in PACE})
    late: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Probe:
    def __init__(self, host: str, port: int, least: int) -> None:
        self.told = Told()
        self.wid = ""
        self.over = asyncio.Event()
        self.begun = asyncio.Event()
        self._host, self._port, self._left = host, port, least

    async def keep_asking(self, path: str, first: float) -> None:
        """`first`: seconds until the first, so that not all are asked at once."""
        loop = asyncio.get_running_loop()
        due, asked = loop.time() + first, set()
        while True:
            await asyncio.sleep(due - loop.time())
            self.told.late.append(loop.time() - due)
            task = asyncio.create_task(self._ask(path, due))
            asked.add(task)
            task.add_done_callback(asked.discard)
            due += 1 / PACE[path]

    async def _ask(self, path: str, due: float) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(REQUEST.format(path=path.format(wid=self.wid), host=self._host).encode())
            answer = await reader.read(-1)
        finally:
            writer.close()
        if b" 200 " not in answer[:20]:
            self.told.errors.append(answer.partition(b"\r\n")[0].decode())
        self.told.took[path].append(asyncio.get_running_loop().time() - due)
        self._left -= 1
        if self._left <= 0:
            self.over.set()


async def main() -> None:
    gc.disable()  # a collection here would be told as the server's time
    host, port, least = sys.argv[1:]
    probe, loop = Probe(host, int(port), int(least)), asyncio.get_running_loop()

    def ask_about(wid: str) -> None:
        probe.wid = wid
        probe.begun.set()

    def listen() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(ask_about, line.strip())
        loop.call_soon_threadsafe(probe.over.set)

    threading.Thread(target=listen, daemon=True).start()
    await probe.begun.wait()
    work = [asyncio.create_task(probe.keep_asking(path, index / 40)) for index, path in enumerate(PACE)]
    await probe.over.wait()
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)
    print(json.dumps(asdict(probe.told)), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
