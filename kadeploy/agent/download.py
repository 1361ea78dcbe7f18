"""Fetching a file that the server serves, checked by its SHA-256, over restarts of the server."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from pathlib import Path

from kadeploy.agent.arguments import Args, text
from kadeploy.agent.job import Job, Meter
from kadeploy.errors import CommandFailed

_SILENCE = 30.0  # seconds without a byte from the server
_PATIENCE = 120.0  # seconds in which a server that is away may come back
_PAUSE = 2.0  # seconds between two tries
_BLOCK = 1024 * 1024  # bytes


class _Away(Exception):
    """The server cannot be reached, or broke off: it may be starting again."""


async def obtain(args: Args, job: Job, target: Path) -> None:
    """Write to `target` what the arguments name: `content`, a text, else what is at `url`.

    A `url` that begins with a slash is the server's own; `sha256`, when it is given, is what the file must have.
    Raises CommandFailed.
    """
    if "content" in args:
        data = text(args, "content", "").encode()
        await asyncio.to_thread(target.write_bytes, data)
        return
    url = text(args, "url")
    if url.startswith("/"):
        url = f"{job.server}{url}"
    await download(url, target, sha256=text(args, "sha256", ""), meter=job.meter)


async def download(url: str, target: Path, *, sha256: str = "", meter: Meter | None = None) -> None:
    """Raises CommandFailed when it cannot be had, or is not what it should be."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + _PATIENCE
    while True:
        try:
            found = await _in_thread(url, target, meter or Meter())
            break
        except _Away as error:
            if loop.time() > give_up:
                raise CommandFailed(f"{url} could not be fetched: {error}") from error
            await asyncio.sleep(_PAUSE)
    if sha256 and found != sha256:
        raise CommandFailed(f"{url} is not the file it should be: its SHA-256 is {found[:12]}…, not {sha256[:12]}…")


async def _in_thread(url: str, target: Path, meter: Meter) -> str:
    stop = threading.Event()
    work = asyncio.create_task(asyncio.to_thread(_fetch, url, target, meter, stop))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait([work])
        raise


def _fetch(url: str, target: Path, meter: Meter, stop: threading.Event) -> str:
    """Blocking. The SHA-256 of what came."""
    import urllib.error  # a seventh of the agent's start, and most never need it
    import urllib.request

    digest = hashlib.sha256()
    try:
        with urllib.request.urlopen(url, timeout=_SILENCE) as answer, target.open("wb") as file:
            meter.done, meter.total = 0, int(answer.headers.get("Content-Length") or 0)
            while not stop.is_set() and (block := answer.read(_BLOCK)):
                file.write(block)
                digest.update(block)
                meter.done += len(block)
            if meter.total and meter.done != meter.total and not stop.is_set():
                raise _Away(f"only {meter.done} of {meter.total} bytes came")
    except urllib.error.HTTPError as error:
        if error.code >= 500:
            raise _Away(str(error)) from error
        raise CommandFailed(f"{url} could not be fetched: {error}") from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, ConnectionError | TimeoutError):
            raise _Away(str(error.reason)) from error
        raise CommandFailed(f"{url} could not be fetched: {error.reason}") from error
    except (ConnectionError, TimeoutError) as error:
        raise _Away(str(error) or type(error).__name__) from error
    except (OSError, ValueError) as error:
        raise CommandFailed(f"{url} could not be fetched: {error}") from error
    return digest.hexdigest()
