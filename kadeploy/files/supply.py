"""How what is not on the shelf gets there: from the web, an object store, a client's file server, or the own disk.

One download for all who ask for the same file at the same moment, and a bounded number of them together.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from kadeploy.domain.image import LocalFile
from kadeploy.errors import InvalidExport, InvalidFile
from kadeploy.files.checksum import copy_hashed
from kadeploy.files.fetch import Fetched, Landing, Validators, fetch
from kadeploy.files.glance import glance
from kadeploy.files.objects import fetch_object, glance_object
from kadeploy.files.shelf import Shelf, cannot_write
from kadeploy.files.source import ClientAddress, StoredObject, WebAddress, shown
from kadeploy.files.turns import Turns
from kadeploy.files.visit import Errand, for_client, judged, place_of
from kadeploy.files.web import Web
from kadeploy.ports.files import FileOrder, ReportBytes

Elsewhere = WebAddress | StoredObject | ClientAddress


class _Fetch(Protocol):
    def __call__(self, errand: Errand, landing: Landing, *, known: Validators | None) -> Awaitable[Fetched | None]: ...


class Supply:
    def __init__(self, shelf: Shelf, web: Web) -> None:
        self._shelf = shelf
        self._web = web
        self._downloads: Turns[str] = Turns()
        self._listening: dict[str, list[ReportBytes]] = {}
        self._writers = asyncio.Semaphore(web.at_once)

    def become(self, web: Web) -> None:
        """From the next download on."""
        if web.at_once != self._web.at_once:
            self._writers = asyncio.Semaphore(web.at_once)
        self._web = web

    async def copied(self, file: LocalFile, url: str) -> str:
        """The SHA-256 under which a copy of the server's own file is on the shelf."""
        while not self._shelf.has(file.sha256):
            await self._downloads.share(file.sha256, lambda: self._copy(file, url))
        return file.sha256

    def known(self, source: Elsewhere, checksum: str) -> str:
        """The checksum, when that is just what is here: its server need not even run. Else nothing."""
        origin = None if isinstance(source, ClientAddress) else self._shelf.origin(secretless(source.url))
        if origin is None or origin.sha256 != checksum:
            return ""
        return checksum if isinstance(source, WebAddress) or self._web.depot(source.url) else ""

    async def glance(self, source: Elsewhere, order: FileOrder) -> int:
        """The size that the file says it has, 0 for none. Raises InvalidFile for one that cannot be had, CacheFull."""
        errand = await self._errand(source, order)
        size = await (glance_object(errand) if isinstance(source, StoredObject) else glance(errand))
        self._shelf.refuse_too_large(errand.called, size)
        return size

    async def fetched(self, source: Elsewhere, order: FileOrder, report: ReportBytes) -> str:
        """The SHA-256 under which it is on the shelf. A client's file is fetched each time it is asked for: what is at
        its path is another file tomorrow."""
        errand = await self._errand(source, order)
        lasting = not isinstance(source, ClientAddress)
        key = f"{errand.reach.own} {order.limit} {source}"
        how: _Fetch = fetch_object if isinstance(source, StoredObject) else fetch
        with self._told(key, report) as tell:
            errand = replace(errand, tell=tell)
            while True:
                sha256 = await self._downloads.share(key, lambda: self._download(errand, how, lasting=lasting))
                if self._shelf.has(sha256):  # else it went while this one waited for its turn
                    return sha256

    @contextmanager
    def _told(self, key: str, report: ReportBytes) -> Iterator[ReportBytes]:
        """What tells all who wait for the same download."""
        listening = self._listening.setdefault(key, [])
        listening.append(report)

        def tell(done: int, total: int) -> None:
            for each in tuple(self._listening.get(key, ())):
                each(done, total)

        try:
            yield tell
        finally:
            listening.remove(report)
            if not listening:
                self._listening.pop(key, None)

    async def _errand(self, source: Elsewhere, order: FileOrder) -> Errand:
        if isinstance(source, StoredObject):
            return Errand(url=source.url, web=self._web, reach=self._web.reach, stop_at=order.limit)
        if isinstance(source, ClientAddress):
            if self._web.secure_clients and not source.url.startswith("https:"):
                raise InvalidExport("client: this server wants files to be served by https", hint="use --secure")
            reach = replace(self._web.reach, own=order.reader.address)
            return for_client(Errand(url=source.url, web=self._web, reach=reach, stop_at=order.limit))
        usual = replace(self._web.reach, everything=order.trusted)
        errand = Errand(
            url=source.url, web=self._web, reach=usual, redirects=self._web.limits.redirects, stop_at=order.limit
        )
        place = place_of(source.url)
        if self._web.proxy_for(source.url) is None:
            try:
                await judged(place, usual)
            except InvalidFile:
                errand = replace(errand, reach=replace(usual, own=order.reader.address))
        return errand

    async def _download(self, errand: Errand, how: _Fetch, *, lasting: bool) -> str:
        called, place = errand.called, secretless(errand.url)
        origin = self._shelf.origin(place) if lasting else None
        try:
            async with self._writers, self._shelf.incoming(called, place if lasting else "") as landing:
                known = None if origin is None else origin.validators
                fetched = await how(errand, landing, known=known)
                if fetched is not None:
                    self._shelf.admit(landing.path, fetched.sha256, fetched.size)
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
            async with self._writers, self._shelf.incoming(url) as landing:
                await landing.make_room(file.size)
                if await _stopping(stop, lambda: copy_hashed(file.path, landing.path, stop)) != file.sha256:
                    raise InvalidFile(f"the file {file.path} is being written", hint="try again when it is complete")
                self._shelf.admit(landing.path, file.sha256, file.size)
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
