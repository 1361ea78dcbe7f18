"""HTTP as Kadeploy3's tools speak it: a connection for each request, their headers and no others, nothing verified."""

from __future__ import annotations

import gzip
import http.client
import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tests.acceptance.wire.server import Kadeployd

TYPES: Final = ("application/json", "application/x-yaml", "text/plain", "text/csv")
JSON: Final = "application/json"
NOTHING_VERIFIED: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # no system's authorities, which take long to load
NOTHING_VERIFIED.check_hostname = False
NOTHING_VERIFIED.verify_mode = ssl.CERT_NONE
LONGEST: Final = 32.0  # seconds of silence after which the tools give up, at least


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`headers` have names in small letters; `body` is decompressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    where: str

    @property
    def type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        assert self.type == JSON, f"{self.where}: {self.type}"
        return json.loads(self.body)

    def is_usable(self) -> bool:
        """Whether the tools take it as success."""
        return self.status == 200 and self.type in TYPES

    def __str__(self) -> str:
        return f"{self.where}: {self.status} {self.type} {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """`user` empty: no user header."""

    server: Kadeployd
    user: str = "alice"

    def send(
        self, method: str, target: str, body: object = None, *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """The target goes out as it is; a body as JSON, in its own bytes when it is bytes."""
        content = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        every = {
            "Accept-Encoding": "gzip;q=1.0,deflate;q=0.6,identity;q=0.3",
            "Accept": JSON,
            "User-Agent": "Ruby",
            "Connection": "close",
            **({"X-Kadeploy-User": self.user} if self.user else {}),
            **({"Content-Type": JSON, "Content-Length": str(len(content))} if content is not None else {}),
            **(headers or {}),
        }
        connection = self._connection()
        try:
            connection.putrequest(method, target, skip_accept_encoding=True)
            for name, value in every.items():
                if value:
                    connection.putheader(name, value)
            connection.endheaders(content)
            response = connection.getresponse()
            raw = response.read()
        finally:
            connection.close()
        given = {name.lower(): value for name, value in response.getheaders()}
        plain = gzip.decompress(raw) if given.get("content-encoding") == "gzip" else raw
        return Answer(status=response.status, headers=given, body=plain, where=f"{method} {target}")

    def get(self, target: str, **headers: str) -> Answer:
        return self.send("GET", target, headers=headers)

    def until_done(self, resource: str) -> Any:
        """What is said of the operation when it has come to its end."""
        end = time.monotonic() + LONGEST
        while not (view := self.get(resource).json())["done"]:
            assert time.monotonic() < end, f"{resource} does not end"
        return view

    def _connection(self) -> http.client.HTTPConnection:
        if not self.server.is_secure:
            return http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=LONGEST)
        return http.client.HTTPSConnection("127.0.0.1", self.server.port, timeout=LONGEST, context=NOTHING_VERIFIED)
