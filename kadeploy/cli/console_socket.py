"""A console's other end: a WebSocket (RFC 6455) over the connection that the HTTP client has upgraded."""

from __future__ import annotations

import base64
import secrets
import ssl
from typing import Any, Final

import httpcore2
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Message, Ping, TextMessage
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from kadeploy.errors import Unavailable

CHUNK: Final = 65536  # bytes read at once
ANSWER: Final = 30.0  # seconds that a write, and a read of what is there, may take
WELL: Final = 1000  # RFC 6455, 7.4.1


def handshake() -> dict[str, str]:
    """The headers that ask for a WebSocket (RFC 6455, 4.1)."""
    return {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": base64.b64encode(secrets.token_bytes(16)).decode(),
        "Sec-WebSocket-Version": "13",
    }


class ConsoleSocket:
    """Wait for `fileno` to be readable, then `receive`; `is_over` when the server has ended it.

    `stream` is httpcore's: it begins with what came behind the answer to the upgrade, so the first `receive` must not
    be waited for; the server says something at once. `failure` is why the console ended, empty when that was well.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._socket = stream.get_extra_info("socket")
        self._connection = Connection(ConnectionType.CLIENT)
        self.is_over = False
        self.failure = ""

    def fileno(self) -> int:
        return int(self._socket.fileno())

    @property
    def has_more(self) -> bool:
        """Whether there is something that was received and decrypted already, which select(2) does not tell."""
        return isinstance(self._socket, ssl.SSLSocket) and self._socket.pending() > 0

    def receive(self) -> bytes:
        """What the node has said; may be nothing. Raises Unavailable when the connection is lost."""
        try:
            data = self._stream.read(CHUNK, timeout=ANSWER)
            self._connection.receive_data(data or None)
            return b"".join(self._said(event) for event in self._connection.events())
        except (httpcore2.NetworkError, httpcore2.TimeoutException, RemoteProtocolError, OSError) as error:
            raise Unavailable("the connection to the console was lost") from error

    def type(self, keys: bytes) -> None:
        """Raises Unavailable."""
        self._send(BytesMessage(data=keys))

    def ping(self) -> None:
        """The server will answer, which `receive` hears. Raises Unavailable."""
        self._send(Ping())

    def close(self) -> None:
        if not self.is_over:
            self.is_over = True
            try:
                self._send(CloseConnection(code=WELL))
            except Unavailable:
                return  # it was lost before

    def _said(self, event: object) -> bytes:
        if isinstance(event, Ping):
            self._send(event.response())
        elif isinstance(event, CloseConnection):
            self.is_over = True
            if event.code != WELL:
                self.failure = event.reason or "its connection was closed"
        elif isinstance(event, TextMessage):
            return event.data.encode()
        elif isinstance(event, Message):
            return bytes(event.data)
        return b""

    def _send(self, event: Any) -> None:
        try:
            self._stream.write(self._connection.send(event), timeout=ANSWER)
        except LocalProtocolError:
            return  # it is closing
        except (httpcore2.NetworkError, httpcore2.TimeoutException, OSError) as error:
            raise Unavailable("the connection to the console was lost") from error
