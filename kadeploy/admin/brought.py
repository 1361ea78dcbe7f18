"""One file brought to a directory of this server: fetched or copied beside its place, checked, only then put there."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from kadeploy.admin.half import Half, half_of
from kadeploy.cli import units
from kadeploy.cli.progress_bar import Bar
from kadeploy.domain.checksum import is_sha256
from kadeploy.domain.image import Compression
from kadeploy.errors import Conflict, InvalidFile, KadeployError
from kadeploy.files.checksum import copy_hashed, hash_of
from kadeploy.files.fetch import Begun, Landing, fetch
from kadeploy.files.intact import check_intact
from kadeploy.files.objects import fetch_object
from kadeploy.files.source import StoredObject, WebAddress, parse_source, shown
from kadeploy.files.visit import Errand
from kadeploy.files.web import Web

_TEST: Final = 1800.0  # seconds that a decompressor's test may take
KEPT: Final = "what came is kept: the same command goes on with it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cargo:
    """A file of a description: at the key `key`, from a URL or a path of this machine, to `target`.

    `checksum` is the one that the description gives, if any.
    """

    key: str
    source: str
    target: Path
    compression: Compression
    checksum: str = ""


async def bring(cargo: Cargo, web: Web, *, replaced: bool) -> str:
    """The SHA-256 of what is at the target then. What is there already is kept if it is the same, else `replaced`.

    Raises InvalidFile, Conflict, and OSError when it cannot be written.
    """
    if is_sha256(cargo.checksum) and await _is_there(cargo.target, cargo.checksum):
        return cargo.checksum
    with half_of(cargo.target, cargo.source) as half:
        try:
            with Bar(cargo.target.name, finished="brought") as bar:
                sha256 = await _written(cargo, half, web, bar)
        except InvalidFile as error:
            if half.is_kept:
                raise InvalidFile(error.message, hint=KEPT) from error
            raise
        try:
            await _judge(cargo, half.path, sha256, replaced=replaced)
        except KadeployError:
            half.drop()  # it came whole, and there is nothing to go on with
            raise
        half.path.chmod(0o644)
        half.path.rename(cargo.target)
        return sha256


async def _judge(cargo: Cargo, path: Path, sha256: str, *, replaced: bool) -> None:
    if is_sha256(cargo.checksum) and sha256 != cargo.checksum:
        raise InvalidFile(
            f"{cargo.key}: {shown(cargo.source)} is not what the description says: its checksum is {sha256[:12]}…, "
            f"there is {cargo.checksum[:12]}…"
        )
    await check_intact(str(path), cargo.compression, called=shown(cargo.source), deadline=_TEST)
    if not replaced and await _is_taken(cargo.target, sha256):
        raise Conflict(f"{cargo.key}: {cargo.target} exists, and is another file", hint="--replace, or another --to")


async def _written(cargo: Cargo, half: Half, web: Web, bar: Bar) -> str:
    if "://" not in cargo.source:
        half.drop()
        bar.begin("copying", size := os.stat(cargo.source).st_size)
        async with _stopping() as stop:
            sha256 = await asyncio.to_thread(copy_hashed, cargo.source, half.path, stop)
        bar.set(size)
        return sha256
    source = parse_source(cargo.source)
    if not isinstance(source, StoredObject | WebAddress):
        raise InvalidFile(f"{cargo.key}: {shown(cargo.source)} cannot be fetched to this server")
    errand = Errand(
        url=cargo.source,
        web=web,
        reach=replace(web.reach, everything=True),  # an administrator names it, at a terminal of this machine
        redirects=web.limits.redirects,
        tell=lambda done, _total: bar.set(done),
    )
    how = fetch_object if isinstance(source, StoredObject) else fetch
    fetched = await how(errand, _landing(cargo, half, bar), known=None)
    assert fetched is not None, "nothing was known of it"
    return fetched.sha256


def _landing(cargo: Cargo, half: Half, bar: Bar) -> Landing:
    told = 0

    async def make_room(size: int) -> None:
        nonlocal told
        here = half.size
        if size > told:  # of a file whose length nobody tells it is more each time
            bar.begin("fetching", size, done=0 if told else here)
        told = max(told, size)
        if (free := shutil.disk_usage(half.path.parent).free) < size - here:
            raise InvalidFile(
                f"{cargo.key}: {half.path.parent} has {units.size(free)} left, "
                f"and {cargo.target.name} {units.size(size - here)} to come"
            )

    async def note(begun: Begun | None) -> None:
        half.note(begun)

    return Landing(path=half.path, make_room=make_room, note=note, begun=half.begun)


async def _is_taken(target: Path, sha256: str) -> bool:
    """By something else."""
    return await asyncio.to_thread(os.path.lexists, target) and not await _is_there(target, sha256)


async def _is_there(target: Path, sha256: str) -> bool:
    return await asyncio.to_thread(lambda: target.is_file() and hash_of(target) == sha256)


@asynccontextmanager
async def _stopping() -> AsyncIterator[threading.Event]:
    stop = threading.Event()
    try:
        yield stop
    finally:
        stop.set()
