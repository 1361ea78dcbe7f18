"""What `kaenv` answers, in the form that was asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

import yaml

from kadeploy.cli import old_forms
from kadeploy.cli.client import Client, Json
from kadeploy.cli.columns import columns
from kadeploy.cli.env_export import as_yaml
from kadeploy.cli.env_import import named

FORMATS: Final = ("table", "json", "yaml", old_forms.TABLE)
LONGEST: Final = 80  # characters of a description in a table


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`value` for programs, `lines` for people; `forms` are those it can be told in, the first if another is asked."""

    value: object
    lines: Iterable[str] = ()
    forms: Sequence[str] = FORMATS
    exit: int = 0

    def tell(self, form: str) -> int:
        chosen = form if form in self.forms else self.forms[0]
        if chosen == "json":
            print(json.dumps(self.value, indent=2, ensure_ascii=False))
        elif chosen == "yaml":
            print(yaml.safe_dump(self.value, sort_keys=False, explicit_start=True, allow_unicode=True), end="")
        else:
            for line in self.lines:
                print(line)
        return self.exit


def old_table(entries: Sequence[Json]) -> Iterator[str]:
    """As `kaenv3 -l` printed it."""
    headings = {"Name": 21, "Version": 7, "User": 11, "Description": 0}
    keys = ("name", "version", "user", "description")
    yield from old_forms.table(headings, [[_cut(key, _at(entry, key)) for key in keys] for entry in entries])


def table(keys: Sequence[str], entries: Sequence[Json]) -> Iterator[str]:
    if not entries:
        yield "no environment"
        return
    yield from columns(keys, [[_cut(key, _at(entry, key)) for key in keys] for entry in entries])


def _cut(key: str, value: object) -> object:
    """Descriptions may be whole pages."""
    if key != "description" or not isinstance(value, str):
        return value
    line = " ".join(value.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def describe_all(entries: Sequence[Json]) -> Iterator[str]:
    """The description as it was recorded; the owner is not part of it."""
    for entry in entries:
        yield as_yaml({key: value for key, value in entry.items() if key != "user"}).rstrip()


def changed(client: Client, method: str, path: str, body: Json, done: str, *, files: bool = False) -> Answer:
    """What was changed, a line each; `files` tells where they are now."""
    made = method == "POST"
    answer = client.once(method, path, body=body) if made else client.send(method, path, body)
    entries = [
        cast(Json, one) for one in (answer if isinstance(answer, list) else [answer]) if isinstance(one, Mapping)
    ]
    for entry in entries:
        for warning in cast(Sequence[str], entry.get("warnings", ())):
            print(f"kaenv: warning: {warning}", file=sys.stderr)
    lines = [f"{done}: {named(entry)}{_file(entry) if files else ''}" for entry in entries]
    return Answer(value=answer, lines=lines)


def _file(entry: Json) -> str:
    return f", {_at(entry, 'image.file')}"


def _at(entry: object, key: str) -> object:
    for part in key.split("."):
        entry = entry.get(part) if isinstance(entry, Mapping) else None
    return entry if entry is None or isinstance(entry, str | int | float) else json.dumps(entry, ensure_ascii=False)
