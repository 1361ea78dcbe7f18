"""How what is not on the shelf gets there: from the web, an object store, a client's file server, or the own disk.

One download for all who ask for the same file at the same moment, and a bounded number of them together.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from kadeploy.domain.image import LocalFile
from kadeploy.errors import InvalidExport, InvalidFile
from kadeploy.files.checksum import copy_hashed
from kadeploy.files.fetch import Fetched, MakeRoom, Validators, fetch
from kadeploy.files.objects import fetch_object
from kadeploy.files.shelf import Shelf, cannot_write
from kadeploy.files.source import ClientAddress, StoredObject, WebAddress, shown
from kadeploy.files.turns import Turns
from kadeploy.files.visit import Errand, for_client, judged, place_of
from kadeploy.files.web import Web
from kadeploy.ports.files import Reader


class _Fetch(Protocol):
    def __call__(
        self, errand: Errand, target: Path, *, known: Validators | None, make_room: MakeRoom
    ) -> Awaitable[Fetched | None]: ...


class Supply:
    def __init__(self, shelf: Shelf, web: Web) -> None:
        self._shelf = shelf
        self._web = web
        self._downloads: Turns[str] = Turns()
        self._writers = asyncio.Semaphore(web.at_once)

    async def copied(self, file: LocalFile, url: str) -> str:
        """The SHA-256 under which a copy of the server's own file is on the shelf."""
        while not self._shelf.has(file.sha256):
            await self._downloads.share(file.sha256, lambda: self._copy(file, url))
        return file.sha256

    async def from_web(
        self, source: WebAddress, reader: Reader, checksum: str, limit: int | None, *, trusted: bool
    ) -> str:
        origin = self._shelf.origin(secretless(source.url))
        if origin is not None and origin.sha256 == checksum:
            return checksum  # just what is asked for: its server need not even run
        usual = replace(self._web.reach, everything=trusted)
        errand = Errand(url=source.url, web=self._web, reach=usual, redirects=self._web.limits.redirects, stop_at=limit)
        place = place_of(source.url)
        if self._web.proxy_for(source.url) is None:
            try:
                await judged(place, usual)
            except InvalidFile:
                errand = replace(errand, reach=replace(usual, own=reader.address))
        return await self._shared(errand, fetch, f"{errand.reach.own} {limit} {source.url}")

    async def from_store(self, source: StoredObject, checksum: str, limit: int | None) -> str:
        origin = self._shelf.origin(secretless(source.url))
        if origin is not None and origin.sha256 == checksum and self._web.depot(source.url):
            return checksum
        errand = Errand(url=source.url, web=self._web, reach=self._web.reach, stop_at=limit)
        return await self._shared(errand, fetch_object, f"{limit} {source.url}")

    async def from_client(self, source: ClientAddress, reader: Reader, limit: int | None) -> str:
        """Fetched each time it is asked for: what is at a client's path is another file tomorrow."""
        if self._web.secure_clients and not source.url.startswith("https:"):
            raise InvalidExport("client: this server wants files to be served by https", hint="use --secure")
        reach = replace(self._web.reach, own=reader.address)
        errand = for_client(Errand(url=source.url, web=self._web, reach=reach, stop_at=limit))
        return await self._shared(errand, fetch, f"{reader.address} {limit} client+{source.url}", lasting=False)

    async def _shared(self, errand: Errand, how: _Fetch, key: str, *, lasting: bool = True) -> str:
        while True:
            sha256 = await self._downloads.share(key, lambda: self._download(errand, how, lasting=lasting))
            if self._shelf.has(sha256):  # else it went while this one waited for its turn
                return sha256

    async def _download(self, errand: Errand, how: _Fetch, *, lasting: bool) -> str:
        called, place = errand.called, secretless(errand.url)
        origin = self._shelf.origin(place) if lasting else None
        try:
            async with self._writers, self._shelf.incoming(called) as (target, make_room):
                known = None if origin is None else origin.validators
                fetched = await how(errand, target, known=known, make_room=make_room)
                if fetched is not None:
                    self._shelf.admit(target, fetched.sha256, fetched.size)
                    if lasting:
                        self._shelf.remember(place, fetched.sha256, fetched.validators)
                    return fetched.sha256
        except OSError as error:
            raise cannot_write(called, error) from error
        assert origin is not None
        return origin.sha256

    async def _copy(self, file: LocalFile, url: str) -> str:
        stop = threading.Event()
        try:
            async with self._writers, self._shelf.incoming(url) as (target, make_room):
                await make_room(file.size)
                if await _stopping(stop, lambda: copy_hashed(file.path, target, stop)) != file.sha256:
                    raise InvalidFile(f"the file {file.path} is being written", hint="try again when it is complete")
                self._shelf.admit(target, file.sha256, file.size)
                return file.sha256
        except OSError as error:
            raise cannot_write(url, error) from error


def secretless(url: str) -> str:
    """The same URL always gives the same, and none of it is a secret."""
    told = shown(url)
    return told if told == url else f"{told} {hashlib.sha256(url.encode()).hexdigest()[:16]}"


async def _stopping(stop: threading.Event, work: Callable[[], str]) -> str:
    try:
        return await asyncio.to_thread(work)
    finally:
        stop.set()
