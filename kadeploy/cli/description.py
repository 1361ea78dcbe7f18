"""Environments' descriptions as users give them, in files or at URLs: `kadeploy -a`, `kaenv -a`, `kaenv --import`.

What is in them is judged by the server, which says everything that is wrong at once. Here is checked only what the
server cannot see: that the file can be read, and so can the files of this machine that it names.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from kadeploy.cli.client import fetch_text
from kadeploy.cli.local_files import unreadable
from kadeploy.cli.unread import reason
from kadeploy.domain import yaml_text
from kadeploy.errors import Faults, InvalidFile, Unavailable

Description = Mapping[str, object]

ENDINGS: Final = (".yaml", ".yml", ".json", ".dsc", ".env")
STDIN: Final = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A description, and where it stands. `missing` says of each file of this machine that it names and that is not
    there."""

    place: str
    content: Description
    missing: tuple[str, ...] = ()


def read_description(place: str) -> Description:
    """The only one there. Raises Faults with everything that is wrong, and every file of this machine that is not
    there."""
    source = read_source(place)
    if source.missing:
        raise Faults([f"-a {source.place}: {fault}" for fault in source.missing])
    return source.content


def read_source(place: str) -> Source:
    """The only one there, for who can say what else is wrong with it. Raises Faults when it cannot be read."""
    found, faults = _read(place)
    if not faults and len(found) != 1:
        faults = [f"{place}: holds {len(found)} descriptions, not one (kaenv --import records many)"]
    if faults:
        raise Faults([f"-a {fault}" for fault in faults])
    return found[0]


def read_all(places: Sequence[str]) -> tuple[Sequence[Source], Sequence[str]]:
    """Every description in these files, directories and URLs, and why others cannot be read."""
    sources: list[Source] = []
    faults: list[str] = []
    for place in places:
        files = [*_files_in(place)]
        if not files:
            faults.append(f"{place}: holds no description (files in {', '.join(ENDINGS)})")
        for file in files:
            found, wrong = _read(file)
            sources += found
            faults += wrong
    return sources, faults


def _read(place: str) -> tuple[list[Source], list[str]]:
    """One for each document, and for each entry of a document that is a list; and what is wrong with the others."""
    try:
        documents = yaml_text.parse_all(_text(place), trusted="://" not in place)
    except Faults as error:
        return [], [f"{place}: {fault}" for fault in error.faults]
    except InvalidFile as error:
        return [], [str(error)]
    entries = [entry for document in documents for entry in (document if isinstance(document, list) else [document])]
    there = [entry for entry in entries if entry is not None]
    found: list[Source] = []
    faults = [] if there else [f"{place}: is empty"]
    for number, entry in enumerate(there, 1):
        where = place if len(there) == 1 else f"{place} ({number} of {len(there)})"
        if not isinstance(entry, dict) or not all(isinstance(key, str) for key in entry):
            faults.append(f"{where}: is not the description of an environment (keys and values)")
        elif problem := _unspeakable(entry):
            faults.append(f"{where}: {problem}")
        else:
            found.append(Source(place=where, content=entry, missing=tuple(unreadable(entry))))
    return found, faults


def _files_in(place: str) -> Iterator[str]:
    if "://" in place or not Path(place).is_dir():
        yield place
        return
    for path in sorted(Path(place).rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(place).parts)
        if path.suffix in ENDINGS and path.is_file() and not hidden:
            yield str(path)


def _unspeakable(entry: Description) -> str:
    """What of it JSON cannot carry, as YAML can: sets, bytes, infinities, and what holds itself."""
    try:
        json.dumps(entry, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        return f"holds what cannot be sent: {error}"
    return ""


def _text(place: str) -> str:
    if place.startswith("server://"):
        raise InvalidFile(f"{place}: a description is read by this tool", hint="give a file or an http(s) address")
    try:
        if place == STDIN:
            return sys.stdin.read()
        if place.startswith(("http://", "https://")):
            return fetch_text(place)
        return Path(place.removeprefix("local://")).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, Unavailable) as error:
        raise InvalidFile(f"{place}: cannot be read: {reason(error)}") from error
