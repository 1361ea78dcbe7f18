"""`kadmin install`: an environment from elsewhere, its files brought to this server, recorded with where they are then.

What Kadeploy3's `kaadmin install` did. The files are verified before anything is recorded; of a description with a
fault nothing is fetched.
"""

from __future__ import annotations

import asyncio
import copy
import pwd
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import getuid
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import click

from kadeploy.admin.brought import Cargo, bring
from kadeploy.admin.opened import Administered, administered, configured
from kadeploy.cli.client import fetch_text
from kadeploy.config.description import Described, describe
from kadeploy.config.server import ServerConfig
from kadeploy.domain import yaml_text
from kadeploy.domain.environment import Environment
from kadeploy.errors import AlreadyExists, Faults, InvalidEnvironment, InvalidFile, InvalidOption, Unavailable
from kadeploy.fetching import rules_of
from kadeploy.operations.caller import is_user_name
from kadeploy.operations.environments import called
from kadeploy.operations.gathering import Gathering
from kadeploy.store.environments import SqlEnvironments

_MINIMAL = "deploy"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    place: str
    directory: Path | None
    user: str
    is_replaced: bool
    is_asking: bool


@click.command()
@configured
@click.argument("place", metavar="URI")
@click.option("--to", "to", type=click.Path(path_type=Path), help="Directory for the files, under one of files.roots.")
@click.option("-u", "--user", help="Whose environment it is (default: who calls).")
@click.option("--replace", "is_replaced", is_flag=True, help="Instead of the files and the environment that are there.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask where to put the files.")
def install(directory: Path, place: str, to: Path | None, user: str | None, is_replaced: bool, yes: bool) -> None:
    """Install an environment from elsewhere: bring its files here, and record it.

    URI is a description: an http(s) address or a file. The files that it names are fetched, those named without a
    server from beside it, checked, and put into a directory from which this server may read images. Works whether the
    server runs or not.
    """
    wish = _Wish(
        place=place,
        directory=to,
        user=user or pwd.getpwuid(getuid()).pw_name,
        is_replaced=is_replaced,
        is_asking=not yes and to is None and sys.stdin.isatty(),
    )
    try:
        with administered(directory, is_made=True) as here:
            installed = asyncio.run(_installed(here, wish))
    except KeyboardInterrupt as error:
        raise KeyboardInterrupt("interrupted; the same command goes on with what came, if its server can") from error
    click.echo(f"{called(installed)} is recorded")


async def _installed(here: Administered, wish: _Wish) -> Environment:
    if not is_user_name(wish.user):
        raise InvalidOption(f"--user: {wish.user!r} is not a user's name")
    said = _read(wish.place)
    if said.get("os") == _MINIMAL:
        raise InvalidFile(
            f"{wish.place}: is a minimal environment of Kadeploy3, which nodes cannot boot from this server",
            hint="its own is built with python -m kadeploy.minienv DIRECTORY",
        )
    described = _described(said, wish)
    environments = SqlEnvironments(here.database)
    known = described.environment
    is_there = bool(await environments.find(name=known.name, user=known.user, version=known.version))
    if is_there and not wish.is_replaced:
        raise AlreadyExists(f"{called(known)} exists already", hint="--replace")
    directory = _directory(here.config, wish)
    installed = (await _brought(said, known, directory, here.config, wish)).environment
    if is_there:
        await environments.replace([installed])
    else:
        await environments.add(installed)
    await here.note("install", f"{called(installed)} from {wish.place}")
    return installed


def _read(place: str) -> dict[str, Any]:
    is_web = place.startswith(("http://", "https://"))
    try:
        text = fetch_text(place) if is_web else Path(place).read_text(encoding="utf-8")
        said = yaml_text.parse(text, trusted=not is_web)
    except Faults as error:
        raise _faulty(place, error.faults) from error
    except (OSError, UnicodeDecodeError, Unavailable) as error:
        raise InvalidFile(f"{place}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not isinstance(said, dict):
        raise InvalidFile(f"{place}: is not the description of an environment (keys and values)")
    return said


def _described(said: Mapping[str, object], wish: _Wish) -> Described:
    try:
        return describe(said, user=wish.user)
    except Faults as error:
        raise _faulty(wish.place, error.faults) from error


def _directory(config: ServerConfig, wish: _Wish) -> Path:
    """Raises InvalidOption for one that the server would not read from."""
    roots = [root for root in config.files.roots if "USER" not in root.parts]
    usual = wish.directory or (roots[0] if roots else None)
    if wish.is_asking:
        usual = Path(click.prompt("Directory for the files", default=usual and str(usual), err=True))
    if usual is None:
        raise InvalidOption("files.roots names no directory for everybody's images", hint="set it, or give --to")
    chosen = usual.expanduser().resolve()
    if not any(chosen.is_relative_to(root.resolve()) for root in config.files.roots):
        told = ", ".join(map(str, config.files.roots)) or "empty"
        raise InvalidOption(f"--to {chosen}: the server reads no images there", hint=f"files.roots is {told}")
    return chosen


async def _brought(
    said: dict[str, Any], known: Environment, directory: Path, config: ServerConfig, wish: _Wish
) -> Described:
    """The description with the places and checksums that its files have here."""
    cargoes = list(_cargoes(known, directory, wish.place))
    _refuse_same_names(wish.place, cargoes)
    after, gathering, web = copy.deepcopy(said), Gathering(), rules_of(config)["web"]
    try:
        await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
        for cargo in cargoes:
            with gathering:
                sha256 = await bring(cargo, web, replaced=wish.is_replaced)
                _set(after, cargo.key, f"server://{cargo.target}", sha256)
    except OSError as error:
        raise InvalidFile(f"{error.filename or directory}: {error.strerror}") from error
    gathering.settle()
    return _described(after, wish)


def _cargoes(environment: Environment, directory: Path, place: str) -> Iterator[Cargo]:
    image = environment.image
    files = [("image.file", image.file, image.compression, image.checksum)]
    if (before := environment.preinstall) is not None:
        files.append(("preinstall.archive", before.archive, before.compression, before.checksum))
    for number, one in enumerate(environment.postinstalls):
        files.append((f"postinstalls.{number}.archive", one.archive, one.compression, one.checksum))
    for key, file, compression, checksum in files:
        if not file.startswith("server://"):
            source = _from_beside(file, place)
            name = PurePosixPath(unquote(urlsplit(source).path if "://" in source else source)).name
            yield Cargo(key=key, source=source, target=directory / name, compression=compression, checksum=checksum)


def _from_beside(file: str, place: str) -> str:
    """Names without a server are of where the description is."""
    plain = file.removeprefix("local://")
    if place.startswith(("http://", "https://")):
        return urljoin(place, plain)
    return plain if "://" in plain else str(Path(place).resolve().parent / plain)


def _refuse_same_names(place: str, cargoes: Sequence[Cargo]) -> None:
    faults = [f"{one.key}: {one.source} names no file" for one in cargoes if one.target.name in ("", ".", "..")]
    for number, one in enumerate(cargoes):
        same = (other for other in cargoes[:number] if other.target == one.target and other.source != one.source)
        faults += [f"{one.key}: would be {one.target}, like {other.key}" for other in same]
    if faults:
        raise _faulty(place, faults)


def _set(said: dict[str, Any], key: str, url: str, sha256: str) -> None:
    *way, last = key.split(".")
    inner: Any = said
    for step in way:
        inner = inner[int(step)] if step.isdigit() else inner[step]
    inner[last], inner["checksum"] = url, sha256


def _faulty(place: str, faults: Sequence[str]) -> InvalidEnvironment:
    return InvalidEnvironment("\n".join(f"{place}: {fault}" for fault in faults))
