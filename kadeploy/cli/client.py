"""The tools' side of Kadeploy3's API, and of its event stream; the HTTP itself is in `transport.py`, loaded late.

What goes wrong comes out as an error of ours: `Unavailable` when the server does not answer, `Refused` when it
says no. A client may be shared by threads.
"""

from __future__ import annotations

import getpass
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final, Protocol, cast
from urllib.parse import quote

from kadeploy.cli.debug_http import Trace
from kadeploy.cli.later import Later, load
from kadeploy.cli.refused import Refused
from kadeploy.cli.servers import Server
from kadeploy.domain.event import Event
from kadeploy.errors import InvalidOption, Unavailable

Json = Mapping[str, object]
Query = Mapping[str, str | list[str]]

DEFAULT_PREFIX: Final = "X-Kadeploy-"


class AnswerLost(Unavailable):
    """The request was sent, but its answer never came: it may have had its effect."""


class Unverified(Unavailable):
    """The server's certificate is of an authority that is not trusted."""


class Carrier(Protocol):
    """HTTP to one server; every method raises Unavailable and Refused."""

    skew: float

    def send(
        self, method: str, path: str, *, query: Query | None = None, body: Json | None = None, key: str = ""
    ) -> object: ...

    def put(self, path: str, content: Iterator[bytes], length: int, content_range: str) -> object: ...

    def events(self, path: str, *, after: int, opened: Callable[[], None]) -> Iterator[tuple[int, Event]]: ...

    def upgraded(self, path: str, headers: Mapping[str, str]) -> AbstractContextManager[Any]: ...

    def show(self, headers: Mapping[str, str]) -> None: ...

    def close(self) -> None: ...


class Client:
    """One server, as one user. `patience` is how many seconds to wait for an answer, the usual ones if not given."""

    def __init__(
        self,
        server: Server,
        user: str,
        *,
        password: str | None = None,
        trace: Trace | None = None,
        patience: float | None = None,
    ) -> None:
        self.server = server
        self._user = user
        self._named = bool(server.prefix)
        shown = {"Authorization": f"Bearer {server.token}"} if server.token and password is None else {}
        self._http = cast(
            Carrier,
            load(Later.TRANSPORT).Transport(
                server,
                {"Accept": "application/json", **shown, **self._identity(server.prefix)},
                login=(user, password) if password is not None else None,
                trace=trace,
                patience=patience,
            ),
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    @property
    def skew(self) -> float:
        """Seconds this machine's clock is ahead of the server's."""
        return self._http.skew

    def version(self) -> str:
        return str(self._http.send("GET", "/version")).strip()

    def info(self) -> object:
        return self._http.send("GET", "/info")

    def get(self, path: str, query: Query | None = None) -> object:
        """A resource as decoded JSON, or its text."""
        self._identify()
        return self._http.send("GET", path, query=query)

    def send(self, method: str, path: str, body: Json) -> object:
        """POST, PUT or DELETE with a JSON body."""
        self._identify()
        return self._http.send(method, path, body=body)

    def once(self, method: str, path: str, *, query: Query | None = None, body: Json | None = None) -> object:
        """What the server does once also if it hears of it twice: asked again when the answer was lost."""
        self._identify()
        key = uuid.uuid4().hex
        try:
            return self._http.send(method, path, query=query, body=body, key=key)
        except AnswerLost:
            return self._http.send(method, path, query=query, body=body, key=key)

    def put(self, path: str, content: Iterator[bytes], length: int, content_range: str) -> object:
        """Bytes instead of JSON, as they come; `length` is how many. The content may be left off at any point."""
        self._identify()
        return self._http.put(path, content, length, content_range)

    def events(self, path: str, *, after: int, opened: Callable[[], None]) -> Iterator[tuple[int, Event]]:
        """The operation's events above number `after` as they come; `opened` is called when the server has answered.

        Ends when the server ends the stream; raises Unavailable when it is lost.
        """
        self._identify()
        return self._http.events(path, after=after, opened=opened)

    def upgraded(self, path: str, headers: Mapping[str, str]) -> AbstractContextManager[Any]:
        """A connection that speaks another protocol from now on, as the headers ask: httpcore's network stream."""
        self._identify()
        return self._http.upgraded(path, headers)

    def _identify(self) -> None:
        """Ask once under which prefix the server reads the user's name."""
        if not self._named:
            try:
                prefix = str(self._http.send("GET", "/auth_headers_prefix")).strip()
            except Refused as error:
                if error.status != 404:
                    raise
                prefix = DEFAULT_PREFIX
            self._http.show(self._identity(prefix))
            self._named = True

    def _identity(self, prefix: str) -> dict[str, str]:
        return {f"{prefix}User": "".join(map(_in_a_header, self._user))} if prefix else {}


def _in_a_header(character: str) -> str:
    """No user has another one in their name, which the server says."""
    return character if " " <= character <= "~" else "?"


def fetch_text(url: str) -> str:
    """A text from any web server, redirects followed; raises Unavailable."""
    return str(load(Later.TRANSPORT).fetch_text(url))


def fetch_authority(url: str) -> str:
    """The certificate (PEM) that is said to vouch for the server, from who answers there. It proves nothing yet.

    Raises Unavailable.
    """
    return str(load(Later.TRANSPORT).fetch_authority(url))


def segment(text: str) -> str:
    """Text as one segment of a path."""
    return quote(text, safe="")


def current_user(environ: Mapping[str, str]) -> str:
    """Who calls, as Kadeploy3's tools tell: $USER, $USERNAME, else the login name. Raises InvalidOption where nobody
    knows."""
    try:
        return environ.get("USER") or environ.get("USERNAME") or getpass.getuser()
    except (KeyError, OSError) as error:  # which of them depends on Python's version
        raise InvalidOption("this machine has no name for you", hint="set USER to who you are") from error
