"""One agent's connection, as bytes: lines in, lines out, who is silent, who says too much.

A protocol of asyncio, not a pair of streams: ten thousand agents then cost three thousand bytes and some
microseconds a message each.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Protocol

from kadeploy.domain.meeting import BEAT, LINE_LIMIT, PROTOCOL, BadMessage, Challenge, Message, Refused, decode, encode

_log = logging.getLogger(__name__)
STRANGER_LIMIT = 64 * 1024  # bytes of a line before its sender has proved who it is
UNREAD_LIMIT = 4 * LINE_LIMIT  # bytes an agent may leave unread


class Listener(Protocol):
    """Whoever is told what happens on a link."""

    def opened(self, link: AgentLink) -> None: ...

    def said(self, link: AgentLink, message: Message) -> None: ...

    def closed(self, link: AgentLink) -> None: ...


class AgentLink(asyncio.Protocol):
    """`node` is empty until it is proved; `nonce` is this connection's challenge."""

    def __init__(self, listener: Listener, clock: Callable[[], float]) -> None:
        self.node = ""
        self.address = self.server = ""
        self.nonce = secrets.token_hex(16)
        self.opened_at = self.heard_at = clock()
        self._listener = listener
        self._clock = clock
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def send(self, message: Message) -> None:
        """Dropped when the connection is gone: who needs an answer asks again on the next one."""
        self._write(encode(message))

    def close(self, reason: str) -> None:
        """Say why, and end it."""
        _log.info("connection of %s ended: %s", self.node or self.address, reason)
        if self._transport is not None:
            self._write(encode(Refused(reason=reason)))
            self._transport.close()

    def abort(self) -> None:
        """End it without a word."""
        if self._transport is not None:
            self._transport.abort()

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        self.server = str(transport.get_extra_info("sockname")[0]) if peer else ""
        self._listener.opened(self)
        self.send(Challenge(protocol=PROTOCOL, nonce=self.nonce))

    def data_received(self, data: bytes) -> None:
        self.heard_at = self._clock()
        *lines, self._buffer = (self._buffer + data if self._buffer else data).split(b"\n")
        for line in lines:
            if not line:
                self._write(BEAT)
            elif not self._take(line):
                return
        if len(self._buffer) > (LINE_LIMIT if self.node else STRANGER_LIMIT):
            self._refuse("the line is too long")

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._listener.closed(self)

    def _take(self, line: bytes) -> bool:
        """Whether to go on."""
        try:
            message = decode(line)
        except BadMessage as error:
            self._refuse(str(error))
            return False
        if message is not None:
            self._listener.said(self, message)
        return self._transport is not None and not self._transport.is_closing()

    def _refuse(self, reason: str) -> None:
        self._buffer = b""
        self.close(reason)

    def _write(self, data: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > UNREAD_LIMIT:
            _log.warning("%s does not read what it is sent", self.node or self.address)
            self._transport.abort()
