"""The agent's one connection to the server: kept for ever, made anew whenever it is lost.

A dead server is known by its silence; one that restarts finds its agents back within seconds, spread out by
chance so that ten thousand do not come at once.
"""

from __future__ import annotations

import asyncio
import logging
import random
import socket
from collections.abc import Callable

from kadeploy.agent.authority import Trust
from kadeploy.agent.handshake import TurnedAway, next_line, shake_hands
from kadeploy.agent.settings import Settings
from kadeploy.agent.worker import Worker
from kadeploy.domain.meeting import BEAT, BEAT_INTERVAL, LINE_LIMIT, SILENCE_LIMIT, BadMessage, Message, decode, encode

_log = logging.getLogger(__name__)
_CONNECT = 10.0  # seconds for a connection
_LONGEST_PATIENCE = 60.0  # seconds for TLS and the handshake
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0  # seconds
_LOST = (OSError, EOFError, TimeoutError, BadMessage, TurnedAway)


def pause_before(attempt: int, chance: float) -> float:
    """Seconds before try number `attempt` (from 0): doubling to a limit, half of it by chance (0 to 1)."""
    longest = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(attempt, 30))
    return longest * (0.5 + chance / 2)


def patience_in(attempt: int) -> float:
    """Seconds for TLS and the handshake in try number `attempt` (from 0), doubling to a limit: a node or a server that
    is busy may need more than are usual, and would never be through if each try ended as early as the one before."""
    return min(_LONGEST_PATIENCE, _CONNECT * 2.0 ** min(attempt, 30))


class Outlet:
    """Where messages to the server go: the present connection, or nowhere."""

    def __init__(self) -> None:
        self.writer: asyncio.StreamWriter | None = None
        self.wanted = asyncio.Event()
        self.wanted.set()

    def tell(self, message: Message) -> None:
        if self.writer is not None:
            self.writer.write(encode(message))

    def hang_up(self, leaving: bool) -> None:
        """While the node is leaving this system there is no connection, so that the server does not count on it."""
        if not leaving:
            self.wanted.set()
            return
        self.wanted.clear()
        if self.writer is not None:
            self.writer.close()


class Silence:
    """Knows a peer for dead by its silence; forgives it when it was us who could not listen."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.heard = self._looked = clock()

    def hear(self) -> None:
        self.heard = self._clock()

    def is_dead(self) -> bool:
        """Ask at least every BEAT_INTERVAL."""
        now, looked = self._clock(), self._looked
        self._looked = now
        if now - looked > 2 * BEAT_INTERVAL:
            self.heard = now
        return now - self.heard > SILENCE_LIMIT


class Connection:
    """With an authority in the settings, TLS with a server that it vouches for, and nothing else."""

    def __init__(self, settings: Settings, boot: str, worker: Worker, outlet: Outlet) -> None:
        self._settings = settings
        self._boot = boot
        self._worker = worker
        self._outlet = outlet
        self._trust = Trust(settings.server, settings.ca)
        self._attempt = 0

    async def keep(self) -> None:
        """For ever."""
        while True:
            await self._outlet.wanted.wait()
            try:
                await self._visit()
            except* _LOST as lost:
                pause = pause_before(self._attempt, random.random())
                self._attempt += 1
                _log.warning("no connection to the server: %s; again in %.1f s", _said(lost), pause)
            await asyncio.sleep(pause)

    async def _visit(self) -> None:
        """One connection, until it is lost; raises why."""
        host, port, patience = self._settings.host, self._settings.port, patience_in(self._attempt)
        async with asyncio.timeout(patience):
            tls = await self._trust.context()
        connected = await _connected(host, port)
        name = host if tls is not None else None
        async with asyncio.timeout(patience):
            reader, writer = await asyncio.open_connection(
                sock=connected, limit=LINE_LIMIT, ssl=tls, server_hostname=name
            )
        try:
            async with asyncio.timeout(patience):
                await shake_hands(reader, writer, self._settings, self._boot)
            _log.info("connected to %s:%d as %s", host, port, self._settings.node)
            self._attempt = 0
            self._outlet.writer = writer
            for message in self._worker.announce():
                self._outlet.tell(message)
            silence = Silence(asyncio.get_running_loop().time)
            async with asyncio.TaskGroup() as group:
                group.create_task(_beat(writer, silence), name="beat")
                group.create_task(self._hear(reader, silence), name="hear")
        finally:
            self._outlet.writer = None
            writer.transport.abort()

    async def _hear(self, reader: asyncio.StreamReader, silence: Silence) -> None:
        while True:
            line = await next_line(reader)
            silence.hear()
            if line != BEAT and (message := decode(line)) is not None:
                self._worker.hear(message)


async def _connected(host: str, port: int) -> socket.socket:
    """Within the usual time, whatever it takes after that: one that is away is soon asked again. Raises OSError."""
    loop, failed = asyncio.get_running_loop(), OSError(f"{host} has no address")
    async with asyncio.timeout(_CONNECT):
        for family, kind, protocol, _, address in await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM):
            sock = socket.socket(family, kind, protocol)
            sock.setblocking(False)
            try:
                await loop.sock_connect(sock, address)
            except OSError as error:
                sock.close()
                failed = error
            except BaseException:
                sock.close()
                raise
            else:
                return sock
    raise failed


async def _beat(writer: asyncio.StreamWriter, silence: Silence) -> None:
    while not silence.is_dead():
        writer.write(BEAT)
        await asyncio.sleep(BEAT_INTERVAL)
    raise TimeoutError(f"the server has been silent for {SILENCE_LIMIT:.0f} s")


def _said(lost: BaseExceptionGroup[BaseException]) -> str:
    first = lost.exceptions[0]
    return str(first) or type(first).__name__
