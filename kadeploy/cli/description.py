"""Environments' descriptions as users give them, in files, at URLs, in files of the server: `kadeploy -a`, `kaenv -a`.

What is in them is judged by the server, which says everything that is wrong at once. Here is checked only what the
server cannot see: that the file can be read, and so can the files of this machine that it names.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, TextIO, cast

from kadeploy.cli.client import Client, fetch_text
from kadeploy.cli.local_files import local_names, unreadable
from kadeploy.cli.refused import explained
from kadeploy.cli.unread import reason
from kadeploy.domain.described import Description, Held, descriptions_in, sorted_out
from kadeploy.errors import Faults, InvalidFile, KadeployError, Unavailable

ENDINGS: Final = (".yaml", ".yml", ".json", ".dsc", ".env")
STDIN: Final = "-"
SERVER: Final = "server://"
LOCAL: Final = "local://"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A description, and where it stands. `missing` says of each file that it names as one of this machine why it
    cannot be had."""

    place: str
    content: Description
    missing: tuple[str, ...] = ()

    @property
    def is_of_server(self) -> bool:
        return self.place.startswith(SERVER)


def is_of_server(place: str) -> bool:
    """Whether only a server can read it."""
    return place.startswith(SERVER)


def read_source(place: str) -> Source:
    """The only one there. Raises Faults when it cannot be read, which no file of a server can be here."""
    found, faults = _read(place)
    if not faults and len(found) != 1:
        faults = [_not_one(place, found)]
    if faults:
        raise Faults([f"-a {fault}" for fault in faults])
    return found[0]


def source_at(client: Client, place: str) -> Source:
    """The only one in a file of the server. Raises Refused, Faults."""
    found, faults = _sources(_asked(client, place))
    if not faults and len(found) != 1:
        faults = [_not_one(place, found)]
    if faults:
        raise Faults([f"-a {fault}" for fault in faults])
    return found[0]


def read_all(places: Sequence[str], client: Client) -> tuple[Sequence[Source], Sequence[str]]:
    """Every description in these files, directories, URLs and files of the server, and why others cannot be read."""
    sources: list[Source] = []
    faults: list[str] = []
    for place in places:
        files = [*_files_in(place)]
        if not files:
            faults.append(f"{place}: holds no description (files in {', '.join(ENDINGS)})")
        for file in files:
            found, wrong = _read_at(client, file) if is_of_server(file) else _read(file)
            sources += found
            faults += wrong
    return sources, faults


def _read(place: str) -> tuple[list[Source], list[str]]:
    """One for each document, and for each entry of a document that is a list; and what is wrong with the others."""
    try:
        return _sources(descriptions_in(_text(place), place, trusted="://" not in place))
    except Faults as error:
        return [], [f"{place}: {fault}" for fault in error.faults]
    except InvalidFile as error:
        return [], [str(error)]


def _read_at(client: Client, place: str) -> tuple[list[Source], list[str]]:
    try:
        return _sources(_asked(client, place))
    except KadeployError as error:
        return [], [explained(error)]


def _asked(client: Client, place: str) -> Held:
    answer = client.get("/environments/description", {"file": place})
    return sorted_out(cast(list[object], answer if isinstance(answer, list) else []), place)


def _sources(held: Held) -> tuple[list[Source], list[str]]:
    return [Source(place=place, content=entry, missing=_missing(place, entry)) for place, entry in held.found], [
        *held.faults
    ]


def _missing(place: str, entry: Description) -> tuple[str, ...]:
    if not is_of_server(place):
        return tuple(unreadable(entry))
    hint = "write server:///PATH or an http(s) address"
    return tuple(
        f"{name}: a description of the server names no file of this machine ({hint})" for name in local_names(entry)
    )


def _not_one(place: str, found: Sequence[Source]) -> str:
    return f"{place}: holds {len(found)} descriptions, not one (kaenv --import records many)"


def _files_in(place: str) -> Iterator[str]:
    if "://" in place or not Path(place).is_dir():
        yield place
        return
    for path in sorted(Path(place).rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(place).parts)
        if path.suffix in ENDINGS and path.is_file() and not hidden:
            yield str(path)


def _text(place: str) -> str:
    try:
        if place == STDIN:
            return _whole(sys.stdin)
        if place.startswith(("http://", "https://")):
            return fetch_text(place)
        if "://" in place and not place.startswith(LOCAL):
            raise InvalidFile(
                f"{place}: no description is read from there", hint="a file, server:///PATH or http(s)://…"
            )
        return Path(place.removeprefix(LOCAL)).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, Unavailable) as error:
        raise InvalidFile(f"{place}: cannot be read: {reason(error)}") from error


@cache
def _whole(stream: TextIO) -> str:
    """Read once, however many servers are told of it."""
    return stream.read()
