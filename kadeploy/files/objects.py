"""Files in object stores, through fsspec (the extra `s3`): the store's own client knows how to ask again for a part.

Only stores that the configuration names are asked, with its credentials: never with those that the server's machine
happens to have.
"""

from __future__ import annotations

import asyncio
import importlib
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final, TypeVar
from urllib.parse import unquote, urlsplit

from kadeploy.errors import CacheFull, CacheProblem, InvalidFile
from kadeploy.files.depot import Depot
from kadeploy.files.fetch import Begun, Fetched, Landing, Validators, too_large
from kadeploy.files.glance import judged_size
from kadeploy.files.sink import NO_SPACE, Sink
from kadeploy.files.source import shown
from kadeploy.files.visit import Errand
from kadeploy.files.web import FetchLimits

_BLOCK: Final = 4 * 1024 * 1024  # bytes asked for at once
T = TypeVar("T")


async def fetch_object(errand: Errand, landing: Landing, *, known: Validators | None) -> Fetched | None:
    """As `fetch.fetch`."""
    url, limits = errand.url, errand.web.limits
    depot = errand.web.depot(url)
    if depot is None:
        raise _no_store(url)
    stop = threading.Event()
    try:
        async with asyncio.timeout(limits.whole):
            store = await asyncio.to_thread(_translated, lambda: _Store(depot, url, limits), url)
            try:
                size, etag = await asyncio.to_thread(_translated, store.facts, url)
                if known is not None and known.etag and known.etag == etag:
                    return None
                if errand.stop_at is not None and size > errand.stop_at:
                    raise too_large(shown(url), errand.stop_at)
                await landing.make_room(size)
                loop = asyncio.get_running_loop()

                def tell(done: int, total: int) -> None:
                    loop.call_soon_threadsafe(errand.tell, done, total)

                with Sink(landing.path, going_on=landing.begun is not None) as sink:
                    await _positioned(sink, landing, Begun(validators=Validators(etag=etag), total=size), stop)
                    copying = asyncio.to_thread(_translated, lambda: store.copy(sink, size, etag, stop, tell), url)
                    sha256 = await copying
            finally:
                stop.set()
                await asyncio.to_thread(store.close)
    except TimeoutError as error:
        raise InvalidFile(f"{shown(url)} did not come whole within {limits.whole:.0f} s") from error
    return Fetched(size=size, sha256=sha256, validators=Validators(etag=etag))


async def _positioned(sink: Sink, landing: Landing, now: Begun, stop: threading.Event) -> None:
    """After what is there already of the very same object, else at the beginning."""
    if landing.begun == now:
        await asyncio.to_thread(sink.reread, stop)
        return
    sink.restart()
    await landing.note(now if now.validators.strong else None)


async def glance_object(errand: Errand) -> int:
    """As `glance.glance`."""
    depot, limits = errand.web.depot(errand.url), errand.web.limits
    if depot is None:
        raise _no_store(errand.url)
    hurried = replace(limits, connect=limits.glance, stall=limits.glance, resumes=0)
    return judged_size(errand, await asyncio.to_thread(_glance, depot, errand.url, hurried))


def _glance(depot: Depot, url: str, limits: FetchLimits) -> int:
    store = _translated(lambda: _Store(depot, url, limits), url)
    try:
        return store.facts()[0]
    except (InvalidFile, FileNotFoundError, PermissionError) as error:
        raise _told(error, url) from error
    except Exception:
        return 0  # whatever it is, it is told when the file is fetched
    finally:
        store.close()


class _Store:
    """One object of a store; its methods block."""

    def __init__(self, depot: Depot, url: str, limits: FetchLimits) -> None:
        parts = urlsplit(url)
        self._url = url
        self._path = f"{parts.netloc}/{unquote(parts.path).lstrip('/')}"
        self._files = _backend(parts.scheme)(**_options(depot, limits))
        self._files.retries = limits.resumes + 1

    def facts(self) -> tuple[int, str]:
        """Bytes, and the entity tag."""
        self._files.invalidate_cache()
        found = self._files.info(self._path)
        if found.get("type") != "file" or not found["size"]:
            raise InvalidFile(f"{shown(self._url)} is {'empty' if found.get('type') == 'file' else 'not a file'}")
        return int(found["size"]), str(found.get("ETag", ""))

    def copy(self, sink: Sink, size: int, etag: str, stop: threading.Event, tell: Callable[[int, int], None]) -> str:
        """The SHA-256 of what came; raises InvalidFile when that is not what was announced."""
        while sink.received < size and not stop.is_set():
            end = min(sink.received + _BLOCK, size)
            block = self._files.cat_file(self._path, start=sink.received, end=end)
            if len(block) != end - sink.received:
                raise InvalidFile(f"{shown(self._url)} came truncated: after {sink.received + len(block)} bytes")
            sink.keep([block])
            tell(sink.received, size)
        if self.facts() != (size, etag):
            raise InvalidFile(f"{shown(self._url)} changed while it was fetched", hint="try again")
        return sink.finish()

    def close(self) -> None:
        """What the store's client keeps open is closed in the loop it runs in."""
        fsspec_asyn = importlib.import_module("fsspec.asyn")
        client = getattr(self._files, "_s3", None)
        if client is not None:
            fsspec_asyn.sync(self._files.loop, client.close)


def _backend(scheme: str) -> Callable[..., Any]:
    try:
        filesystem: Callable[..., Any] = importlib.import_module("fsspec").get_filesystem_class(scheme)
    except ImportError as error:
        raise InvalidFile(
            f"this server cannot read {scheme}://", hint=f"the administrators can: pip install 'kadeploy[{scheme}]'"
        ) from error
    return filesystem


def _options(depot: Depot, limits: FetchLimits) -> dict[str, Any]:
    client: dict[str, Any] = {"region_name": depot.region or None, "endpoint_url": depot.endpoint or None}
    if depot.ca is not None:
        client["verify"] = str(depot.ca)
    config: dict[str, Any] = {
        "connect_timeout": limits.connect,
        "read_timeout": limits.stall,
        "retries": {"total_max_attempts": limits.resumes + 1},
    }
    if depot.proxy:
        config["proxies"] = {"http": depot.proxy, "https": depot.proxy}
    return {
        "key": depot.key or None,
        "secret": depot.secret or None,
        "anon": not depot.key,
        "client_kwargs": client,
        "config_kwargs": config,
        "skip_instance_cache": True,
        "use_listings_cache": False,
    }


def _translated(work: Callable[[], T], url: str) -> T:
    """The store's many errors as ours, without what they tell of requests and signatures."""
    try:
        return work()
    except (InvalidFile, CacheFull, CacheProblem):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno in NO_SPACE:
            raise
        raise _told(error, url) from error


def _told(error: Exception, url: str) -> InvalidFile:
    match error:
        case InvalidFile():
            return error
        case FileNotFoundError():
            return InvalidFile(f"{shown(url)} does not exist")
        case PermissionError():
            return InvalidFile(f"{shown(url)}: its store does not let this server read it")
    return InvalidFile(f"{shown(url)} cannot be fetched: {type(error).__name__}")


def _no_store(url: str) -> InvalidFile:
    return InvalidFile(
        f"{shown(url)}: this server knows no store for it", hint="the administrators name them in files.sources"
    )
