"""Download one file over HTTP: streamed to disk, hashed on the way, bounded in time, size and redirects.

Bytes are kept as they are sent: a `.tar.gz` that some server declares as a gzip *encoding* stays compressed.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx2

from kadeploy.errors import InvalidFile
from kadeploy.files.source import shown

_BLOCK: Final = 1024 * 1024  # bytes, about, handed to the disk at once
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

MakeRoom = Callable[[int], Awaitable[None]]
"""Called with the bytes that the file will need in all, before they are written; raises to end the download."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchLimits:
    """Seconds to connect, without a byte, and in all; and redirects."""

    connect: float = 10.0
    stall: float = 60.0
    whole: float = 3600.0
    redirects: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Validators:
    """What to show the server so that it need not send the same bytes again; empty when it gave nothing."""

    etag: str = ""
    modified: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    size: int
    sha256: str
    validators: Validators


async def fetch(
    url: str, target: Path, *, known: Validators | None, make_room: MakeRoom, limits: FetchLimits
) -> Fetched | None:
    """Write the file to `target`, which must not exist; None when it is still what `known` validates.

    Raises InvalidFile when it cannot be had whole, OSError when it cannot be written.
    """
    timeout = httpx2.Timeout(limits.stall, connect=limits.connect)
    try:
        async with (
            asyncio.timeout(limits.whole),
            httpx2.AsyncClient(timeout=timeout) as client,
            _follow(client, url, _headers(known), limits.redirects) as response,
        ):
            if response.status_code == HTTPStatus.NOT_MODIFIED and known is not None:
                return None
            if response.status_code != HTTPStatus.OK:
                raise InvalidFile(f"{shown(url)}: its server answers {_status(response)}")
            return await _receive(url, response, target, make_room)
    except TimeoutError as error:
        raise InvalidFile(f"{shown(url)} did not come whole within {limits.whole:.0f} s") from error
    except httpx2.TimeoutException as error:
        raise InvalidFile(f"{shown(url)} cannot be fetched: its server does not answer") from error
    except (httpx2.TransportError, httpx2.InvalidURL) as error:
        raise InvalidFile(f"{shown(url)} cannot be fetched: {error or type(error).__name__}") from error


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


def _headers(known: Validators | None) -> dict[str, str]:
    headers = {"Accept-Encoding": "identity", "User-Agent": "kadeploy"}
    if known is not None and known.etag:
        headers["If-None-Match"] = known.etag
    elif known is not None and known.modified:
        headers["If-Modified-Since"] = known.modified
    return headers


@asynccontextmanager
async def _follow(
    client: httpx2.AsyncClient, url: str, headers: Mapping[str, str], redirects: int
) -> AsyncIterator[httpx2.Response]:
    # The client would follow by itself, but reads the redirects' bodies, however long, and takes https to http.
    place = httpx2.URL(url)
    for _ in range(redirects + 1):
        async with client.stream("GET", place, headers=headers) as response:
            if response.status_code not in _REDIRECTS or "location" not in response.headers:
                yield response
                return
            onward = place.join(response.headers["location"])
        if onward.scheme not in ("http", "https") or (place.scheme, onward.scheme) == ("https", "http"):
            raise InvalidFile(f"{shown(url)} leads to {shown(str(onward))}, which is not followed")
        place = onward
    raise InvalidFile(f"{shown(url)} leads through more than {redirects} redirects")


async def _receive(url: str, response: httpx2.Response, target: Path, make_room: MakeRoom) -> Fetched:
    told = response.headers.get("content-length", "")
    total = int(told) if told.isdecimal() else None
    granted = total or 0
    await make_room(granted)
    with _Sink(target) as sink:
        received = 0
        try:
            async for pieces in _blocks(response):
                received += sum(map(len, pieces))
                if received > granted:
                    granted = received
                    await make_room(received)
                await asyncio.to_thread(sink.keep, pieces)
        except httpx2.RemoteProtocolError as error:
            raise _truncated(url, received, total) from error
        if total is not None and received != total:
            raise _truncated(url, received, total)
        if received == 0:
            raise InvalidFile(f"{shown(url)} is empty")
        sha256 = await asyncio.to_thread(sink.finish)
    return Fetched(size=received, sha256=sha256, validators=validators_from(response.headers))


async def _blocks(response: httpx2.Response) -> AsyncIterator[list[bytes]]:
    # The client would also cut the stream into blocks, at twice the price of receiving it.
    pieces: list[bytes] = []
    size = 0
    async for piece in response.aiter_raw():
        pieces.append(piece)
        size += len(piece)
        if size >= _BLOCK:
            yield pieces
            pieces, size = [], 0
    if pieces:
        yield pieces


class _Sink:
    """Writes and hashes; its methods block."""

    def __init__(self, target: Path) -> None:
        self._file = target.open("xb")
        self._digest = hashlib.sha256()

    def __enter__(self) -> _Sink:
        return self

    def __exit__(self, *failure: object) -> None:
        self._file.close()

    def keep(self, pieces: Sequence[bytes]) -> None:
        for piece in pieces:
            self._digest.update(piece)
        self._file.writelines(pieces)

    def finish(self) -> str:
        """On the disk: after a power cut, a name that says what is inside must not stand for zeros."""
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._digest.hexdigest()


def _truncated(url: str, received: int, total: int | None) -> InvalidFile:
    of_all = "" if total is None else f" of {total}"
    return InvalidFile(f"{shown(url)} came truncated: the connection ended after {received}{of_all} bytes")


def _status(response: httpx2.Response) -> str:
    return f"{response.status_code} {response.reason_phrase}".strip()
