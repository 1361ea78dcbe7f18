"""`kaenv --export`: the registry as files, one for each version, which `kaenv --import` reads back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import cast
from urllib.parse import quote

import yaml

from kadeploy.cli.client import Client, Json
from kadeploy.cli.refused import Refused
from kadeploy.errors import InvalidEnvironment, InvalidFile


def find(client: Client, names: Sequence[str], owner: str | None, *, last: bool) -> Sequence[Json]:
    """Those of these names (`%` is any text), or all; raises InvalidEnvironment naming those that there are not."""
    query = {"checksums": "true", **({"username": owner} if owner else {}), **({"last": "true"} if last else {})}
    found: dict[tuple[object, ...], Json] = {}
    missing = []
    for name in names or [""]:
        try:
            answer = cast(Sequence[Json], client.get("/environments", {**query, **({"name": name} if name else {})}))
        except Refused as error:
            if error.status != 404:
                raise
            answer = []
            missing.append(name)
        found |= {(entry.get("user"), entry.get("name"), entry.get("version")): entry for entry in answer}
    if missing:
        raise InvalidEnvironment(f"there is no environment {', '.join(missing)}", hint="kaenv -l lists them")
    return list(found.values())


def write(directory: Path, entries: Sequence[Json]) -> Sequence[Path]:
    """`OWNER/NAME-vVERSION.yaml` for each; raises InvalidFile. What a file of that name held is replaced."""
    written = []
    for entry in entries:
        folder = directory / _plain(entry.get("user"))
        path = folder / f"{_plain(entry.get('name'))}-v{entry.get('version')}.yaml"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            beside = path.with_name(f".{path.name}.part")
            beside.write_text(as_yaml(entry), encoding="utf-8")
            os.replace(beside, path)
        except OSError as error:
            raise InvalidFile(f"--export {path}: cannot be written: {error.strerror}") from error
        written.append(path)
    return written


def as_yaml(entry: Json) -> str:
    """One document, the keys in the order of the description."""
    return str(yaml.safe_dump(dict(entry), sort_keys=False, explicit_start=True, allow_unicode=True))


def _plain(text: object) -> str:
    """A name as one part of a path."""
    shown = quote(str(text), safe=" @+,=")
    return f"%2E{shown[1:]}" if shown.startswith(".") else shown
