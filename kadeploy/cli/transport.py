"""HTTP, for `client.py`: requests and answers over httpx2, its errors told as ours.

What goes wrong comes out as `Unavailable` when the server does not answer, `Refused` when it says no.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, cast

import httpx2

from kadeploy.cli.client import AnswerLost, Json, Query, Unverified
from kadeploy.cli.debug_http import Trace
from kadeploy.cli.proxies import nameable, proxy_for
from kadeploy.cli.refused import Refused
from kadeploy.cli.servers import REMEDY, Server
from kadeploy.domain.event import EVENTS, Event, from_json
from kadeploy.domain.plain_text import harmless, plain
from kadeploy.errors import BadConfiguration, InvalidOption, KadeployError, Unavailable

CONNECT: Final = 10.0  # seconds to connect
ANSWER: Final = 120.0  # seconds of silence in an answer
SILENCE: Final = 60.0  # seconds of silence in an event stream, which the server fills with comments
LAST_PORT: Final = 65535  # the C library takes a number beyond it for another one
LARGEST_EVENT: Final = 64 * 1024 * 1024  # bytes: one event may hold ten thousand nodes' reasons


class Transport:
    """Implements client.Carrier."""

    def __init__(
        self,
        server: Server,
        headers: Mapping[str, str],
        *,
        login: tuple[str, str] | None,
        trace: Trace | None,
        patience: float | None,
    ) -> None:
        self.skew = 0.0
        self._has_answered = False
        self._server = server
        answer, connect = (ANSWER, CONNECT) if patience is None else (patience, patience)
        self._connect = connect
        self._proxy = proxy_for(server.url)
        with self._translated():
            self._http = httpx2.Client(
                base_url=server.url,
                auth=httpx2.BasicAuth(*login) if login else None,
                headers=dict(headers),
                verify=verification(server),
                proxy=self._proxy,
                trust_env=False,
                timeout=httpx2.Timeout(answer, connect=connect),
                event_hooks={
                    "request": [self._name, *([trace.asked] if trace else [])],
                    "response": [trace.answered] if trace else [],
                },
            )
            if (self._http.base_url.port or 0) > LAST_PORT:
                raise httpx2.InvalidURL(f"there is no port {self._http.base_url.port}")

    def close(self) -> None:
        self._http.close()

    def _name(self, request: httpx2.Request) -> None:
        if self._server.certified:
            request.extensions = {**request.extensions, "sni_hostname": self._server.certified}

    def show(self, headers: Mapping[str, str]) -> None:
        """Send these with every request from now on."""
        self._http.headers.update(headers)

    def send(
        self, method: str, path: str, *, query: Query | None = None, body: Json | None = None, key: str = ""
    ) -> object:
        headers = {"Idempotency-Key": key} if key else {}
        with self._translated():
            response = self._http.request(method, path, params=query, json=body, headers=headers)
        return self._told(response)

    def put(self, path: str, content: Iterator[bytes], length: int, content_range: str) -> object:
        """Bytes instead of JSON, as they come; `length` is how many. The content may be left off at any point."""
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(length),
            "Content-Range": content_range,
        }
        with self._translated():
            return self._told(self._http.put(path, content=content, headers=headers))

    def events(self, path: str, *, after: int, opened: Callable[[], None]) -> Iterator[tuple[int, Event]]:
        """The operation's events above number `after` as they come; `opened` is called when the server has answered.

        Ends when the server ends the stream; raises Unavailable when it is lost.
        """
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if after:
            headers["Last-Event-ID"] = str(after)
        timeout = httpx2.Timeout(SILENCE, connect=self._connect)
        with self._translated(), self._http.stream("GET", path, headers=headers, timeout=timeout) as response:
            if response.status_code != 200:
                response.read()
                raise _refusal(response)
            self._note_clock(response)
            opened()
            for message in httpx2.EventSource(response, max_event_size=LARGEST_EVENT):
                data = json.loads(message.data) if message.data else {}
                if isinstance(data, dict) and data.get("kind") in EVENTS:
                    yield int(message.id or 0), from_json(cast(Json, harmless(data)))

    @contextmanager
    def upgraded(self, path: str, headers: Mapping[str, str]) -> Iterator[Any]:
        """A connection that speaks another protocol from now on, as the headers ask: httpcore's network stream."""
        with self._translated(), self._http.stream("GET", path, headers=dict(headers)) as response:
            if response.status_code != 101:
                response.read()
                raise _refusal(response)
            yield response.extensions["network_stream"]

    def _told(self, response: httpx2.Response) -> object:
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "text/html":
            raise self._stranger(f"it says {response.status_code} {response.reason_phrase}")
        self._note_clock(response)
        if response.status_code != 200:
            raise _refusal(response)
        if kind != "application/json":
            return plain(response.text)
        try:
            return response.json()
        except ValueError as error:
            raise self._stranger(str(error)) from error

    def _stranger(self, why: str) -> KadeployError:
        return Unavailable(f"what answers at {self._server.url} is no Kadeploy server: {why}", hint=self._remedy())

    def _note_clock(self, response: httpx2.Response) -> None:
        self._has_answered = True
        date = response.headers.get("date")
        if date:
            try:
                told = parsedate_to_datetime(date)
            except ValueError:
                return
            self.skew = (datetime.now(UTC) - told).total_seconds() if told.tzinfo else self.skew

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except httpx2.ConnectError as error:
            raise self._unreachable(error) from error
        except httpx2.ConnectTimeout as error:
            raise Unavailable(
                f"no answer from {self._server.url} within {self._connect:.0f} s", hint=self._remedy()
            ) from error
        except httpx2.InvalidURL as error:
            raise BadConfiguration(f"{self._server.url} is not an address: {error}", hint=self._remedy()) from error
        except httpx2.ProxyError as error:
            raise self._unreachable(error) from error
        except UnicodeEncodeError as error:
            around = str(error.object)[max(0, error.start - 20) : error.end + 20]
            raise InvalidOption(f"{around!r}: is not text in UTF-8, and cannot be sent") from error
        except httpx2.SSEError as error:
            raise KadeployError(
                f"{self._server.url} does not tell events as a Kadeploy server does: {error}"
            ) from error
        except httpx2.TimeoutException as error:
            raise AnswerLost(f"the server at {self._server.url} has fallen silent") from error
        except httpx2.RequestError as error:
            hint = "" if self._has_answered else self._other_scheme()
            raise AnswerLost(f"the connection to {self._server.url} was lost: {_plain(error)}", hint=hint) from error

    def _unreachable(self, error: Exception) -> KadeployError:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            hint = (
                f"kadeploy login -S {self._server.url} shows and keeps its authority's fingerprint; "
                "or name the authority's file as `ca:` of this server in client.conf"
            )
            return Unverified(f"the certificate of {self._server.url} cannot be verified: {_plain(error)}", hint=hint)
        if "WRONG_VERSION_NUMBER" in str(error):
            return Unavailable(f"what answers at {self._server.url} does not speak TLS", hint=self._other_scheme())
        return Unavailable(f"no Kadeploy server answers at {self._server.url}: {_plain(error)}", hint=self._remedy())

    def _other_scheme(self) -> str:
        scheme, _, rest = self._server.url.partition("://")
        other = "http" if scheme == "https" else "https"
        return f"it may be {other}://{rest}: {self._remedy()}"

    def _remedy(self) -> str:
        proxy = f"it was asked through {nameable(self._proxy)}, the environment's proxy; " if self._proxy else ""
        return f"{proxy}the address was named by {self._server.origin}; {REMEDY}"


def fetch_text(url: str) -> str:
    """A text from any web server, redirects followed; raises Unavailable."""
    try:
        answer = httpx2.get(
            url,
            verify=ssl.create_default_context(),
            proxy=proxy_for(url),
            trust_env=False,
            timeout=ANSWER / 4,
            follow_redirects=True,
        )
        return answer.raise_for_status().text
    except httpx2.HTTPStatusError as error:
        raise Unavailable(f"the answer is {error.response.status_code}") from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Unavailable(_plain(error)) from error


def fetch_authority(url: str) -> str:
    """The certificate (PEM) that is said to vouch for the server, from who answers there. It proves nothing yet.

    Raises Unavailable.
    """
    unverified = ssl.create_default_context()
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    try:
        answer = httpx2.get(f"{url}/ca", verify=unverified, proxy=proxy_for(url), trust_env=False, timeout=ANSWER / 4)
        return answer.raise_for_status().text
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise Unavailable(f"{url} does not say which authority it has: {_plain(error)}") from error


def verification(server: Server) -> ssl.SSLContext | bool:
    """Whom to trust: the authority that is named or was pinned, else the system's. Raises BadConfiguration."""
    if not server.url.startswith("https:"):
        return False  # nothing to verify; loading the authorities costs 60 ms
    try:
        if not server.ca and not server.authority:
            return ssl.create_default_context()
        context = ssl.create_default_context(cafile=server.ca or None, cadata=server.authority or None)
    except (OSError, ssl.SSLError) as error:
        raise BadConfiguration(f"{server.origin}: {server.ca or 'its authority'} cannot be used: {error}") from error
    # What was pinned may be a certificate that another one vouches for.
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    return context


def _refusal(response: httpx2.Response) -> KadeployError:
    number = response.headers.get("x-application-error-code", "")
    text = plain(_message(response)) or f"the server answered {response.status_code} {response.reason_phrase}".strip()
    if response.status_code == 503:
        return Unavailable(text)
    if response.status_code == 500:
        text = f"the server failed: {text}"
    return Refused(
        text,
        status=response.status_code,
        code=int(number) if number.isdecimal() else None,
        challenge=response.headers.get("www-authenticate", ""),
    )


def _message(response: httpx2.Response) -> str:
    """The body, which is text for people; some frameworks wrap it as `{"detail": ...}`."""
    text = response.text.strip()
    try:
        content = json.loads(text)
    except ValueError:
        return text
    detail = content.get("detail", text) if isinstance(content, dict) else content
    return detail if isinstance(detail, str) else json.dumps(detail)


def _plain(error: Exception) -> str:
    """The system's words without its numbers: `[Errno 111] Connection refused`, `… (_ssl.c:992)`."""
    return re.sub(r"\[[^\]]*\] ?| \(_ssl\.c:\d+\)", "", str(error)).strip() or type(error).__name__
