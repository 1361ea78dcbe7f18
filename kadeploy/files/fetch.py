"""Download one file over HTTP: streamed to disk, hashed on the way, bounded in time and size; gone on with where the
connection broke, or where an earlier download ended (RFC 9110, section 14), if it is certainly still the same file.

Bytes are kept as they are sent: a `.tar.gz` that some server declares as a gzip *encoding* stays compressed.
"""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx2

from kadeploy.errors import InvalidFile
from kadeploy.files.sink import Sink
from kadeploy.files.visit import Errand, visit

_BLOCK: Final = 1024 * 1024  # bytes, about, handed to the disk at once
_PART: Final = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)\Z")
_PASSING: Final = frozenset({408, 429, 500, 502, 503, 504})

MakeRoom = Callable[[int], Awaitable[None]]
"""Called with the bytes that the file will need in all, before they are written; raises to end the download."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """What to show the server so that it need not send the same bytes again; empty when it gave nothing."""

    etag: str = ""
    modified: str = ""

    @property
    def strong(self) -> str:
        """What a part may be asked for by."""
        return self.etag or self.modified


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What a file was when its first bytes came, which the rest must be of; `total` bytes in all, if that was told."""

    validators: Validators
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """Where a download is written. `begun` is what the bytes are of that are there from before; None for no bytes.

    `note` is to be called before the first byte of another file, and with None if nothing vouches for going on with it,
    or when it is no more to be had.
    """

    path: Path
    make_room: MakeRoom
    note: Callable[[Begun | None], Awaitable[None]]
    begun: Begun | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    size: int
    sha256: str
    validators: Validators


class _Broken(Exception):
    """The connection ended too early: another may bring the rest. The cause is what to say if none does."""


async def fetch(errand: Errand, landing: Landing, *, known: Validators | None) -> Fetched | None:
    """Write the file where it lands; None when it is still what `known` validates.

    Raises InvalidFile when it cannot be had whole, OSError when it cannot be written.
    """
    limits = errand.web.limits
    try:
        async with asyncio.timeout(limits.whole):
            with Sink(landing.path, going_on=landing.begun is not None) as sink:
                return await _Download(errand, sink, landing, known).run()
    except TimeoutError as error:
        raise InvalidFile(f"{errand.called} did not come whole within {limits.whole:.0f} s") from error
    except httpx2.TimeoutException as error:
        raise InvalidFile(f"{errand.called} cannot be fetched: its server does not answer") from error
    except (httpx2.TransportError, httpx2.InvalidURL) as error:
        raise InvalidFile(f"{errand.called} cannot be fetched: {_plain(error)}") from error


class _Download:
    """Tries until the file is whole, or nothing more comes."""

    def __init__(self, errand: Errand, sink: Sink, landing: Landing, known: Validators | None) -> None:
        begun = landing.begun or Begun(validators=Validators())
        self._errand = errand
        self._sink = sink
        self._landing = landing
        self._known = known
        self._validators = begun.validators
        self._total = begun.total
        self._granted = 0
        self._has_come = False

    async def run(self) -> Fetched | None:
        if self._landing.begun is not None:
            await self._reread()
        limits, furthest, failures = self._errand.web.limits, self._sink.received, 0
        while True:
            try:
                return await self._attempt()
            except _Broken as broken:
                failures = 0 if self._sink.received > furthest else failures + 1
                furthest = max(furthest, self._sink.received)
                if failures > limits.resumes:
                    raise broken.__cause__ or broken from None
            await asyncio.sleep(limits.pause * (failures + 1))

    async def _reread(self) -> None:
        """Of a file that is all there but was not taken in, the last byte is asked for: no server gives none."""
        stop = threading.Event()
        try:
            await asyncio.to_thread(self._sink.reread, stop, self._total - 1 if self._total else None)
        finally:
            stop.set()

    async def _attempt(self) -> Fetched | None:
        begun = self._sink.received > 0
        try:
            async with visit(self._errand, self._headers()) as response:
                if response.status_code == HTTPStatus.NOT_MODIFIED and self._known is not None and not begun:
                    return None
                await self._prepare(response, begun)
                await self._receive(response)
        except (httpx2.RemoteProtocolError, httpx2.ReadError):
            if not self._has_come:
                raise
            raise _Broken from self._truncated()
        except httpx2.TransportError as error:
            if not self._has_come:
                raise
            raise _Broken from error
        if self._sink.received == 0:
            raise InvalidFile(f"{self._errand.called} is empty")
        sha256 = await asyncio.to_thread(self._sink.finish)
        return Fetched(size=self._sink.received, sha256=sha256, validators=self._validators)

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "kadeploy"}
        if self._sink.received and self._validators.strong:
            return headers | {"Range": f"bytes={self._sink.received}-", "If-Range": self._validators.strong}
        if self._known is not None and self._known.etag:
            headers["If-None-Match"] = self._known.etag
        elif self._known is not None and self._known.modified:
            headers["If-Modified-Since"] = self._known.modified
        return headers

    async def _prepare(self, response: httpx2.Response, begun: bool) -> None:
        """Where in the file the answer begins, and whether it is the same file."""
        status = response.status_code
        if status == HTTPStatus.PARTIAL_CONTENT and begun and self._continues(response):
            await self._grant(self._total or self._sink.received)
            return
        if status == HTTPStatus.OK:
            await asyncio.to_thread(self._sink.restart)
            self._known = None
            self._validators = validators_from(response.headers)
            told = response.headers.get("content-length", "")
            self._total = int(told) if told.isdecimal() else None
            await self._grant(self._total or 0)
            begun_now = Begun(validators=self._validators, total=self._total)
            await self._landing.note(begun_now if self._validators.strong else None)
            return
        refused = InvalidFile(f"{self._errand.called}: its server answers {_status(response)}")
        if begun and status in (HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE):
            self._validators = Validators()  # it is another file by now: all of it, then
            raise _Broken from refused
        if status not in _PASSING:
            await self._landing.note(None)
        elif self._has_come:
            raise _Broken from refused
        raise refused

    def _continues(self, response: httpx2.Response) -> bool:
        """A server that knows parts but not If-Range sends a part of whatever is there now."""
        part = _PART.match(response.headers.get("content-range", ""))
        etag, modified = response.headers.get("etag", ""), response.headers.get("last-modified", "")
        same = etag == self._validators.etag if self._validators.etag else modified in ("", self._validators.modified)
        return (
            part is not None
            and int(part[1]) == self._sink.received
            and (self._total is None or part[3] in ("*", str(self._total)))
            and same
        )

    async def _receive(self, response: httpx2.Response) -> None:
        async for pieces in _blocks(response):
            needed = self._sink.received + sum(map(len, pieces))
            if needed > self._granted:
                await self._grant(needed)
            await asyncio.to_thread(self._sink.keep, pieces)
            self._has_come = True
            self._errand.tell(self._sink.received, self._total or 0)
        if self._total is not None and self._sink.received != self._total:
            raise _Broken from self._truncated()

    async def _grant(self, size: int) -> None:
        most = self._errand.stop_at
        if most is not None and size > most:
            raise too_large(self._errand.called, most)
        await self._landing.make_room(size)
        self._granted = size

    def _truncated(self) -> InvalidFile:
        of_all = "" if self._total is None else f" of {self._total}"
        return InvalidFile(
            f"{self._errand.called} came truncated: the connection ended after {self._sink.received}{of_all} bytes"
        )


def too_large(called: str, most: int) -> InvalidFile:
    return InvalidFile(f"{called} is larger than {most} bytes, which such a file may have")


def validators_from(headers: Mapping[str, str]) -> Validators:
    """Those that vouch for every byte: a strong entity tag, and a date that cannot hide a second change within its
    second (RFC 9110, sections 8.8.1 and 8.8.2.2)."""
    etag = headers.get("etag", "")
    modified = headers.get("last-modified", "")
    return Validators(etag="" if etag.startswith("W/") else etag, modified=modified if _is_old(headers) else "")


def _is_old(headers: Mapping[str, str]) -> bool:
    try:
        modified = parsedate_to_datetime(headers["last-modified"])
        return (parsedate_to_datetime(headers["date"]) - modified).total_seconds() >= 1
    except (KeyError, ValueError, TypeError):
        return False


async def _blocks(response: httpx2.Response) -> AsyncIterator[list[bytes]]:
    # The client would also cut the stream into blocks, at twice the price of receiving it.
    pieces: list[bytes] = []
    size = 0
    try:
        async for piece in response.aiter_raw():
            pieces.append(piece)
            size += len(piece)
            if size >= _BLOCK:
                yield pieces
                pieces, size = [], 0
    except httpx2.TransportError:
        if pieces:
            yield pieces  # what came before it broke need not come again
        raise
    if pieces:
        yield pieces


def _status(response: httpx2.Response) -> str:
    return f"{response.status_code} {response.reason_phrase}".strip()


def _plain(error: Exception) -> str:
    return str(error) or type(error).__name__
