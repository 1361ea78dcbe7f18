"""`kaenv --check` and `kaenv --import`: many descriptions; all faults of all are told before anything is recorded."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, cast

from kadeploy.cli.client import Client, Json
from kadeploy.cli.description import Source
from kadeploy.cli.exits import exit_code
from kadeploy.cli.local_files import local_files, refusal_to_keep, with_files_sent
from kadeploy.cli.refused import explained
from kadeploy.domain.described import Description
from kadeploy.domain.environment import Visibility
from kadeploy.errors import AlreadyExists, Faults, InvalidEnvironment, InvalidFile, KadeployError

LARGEST: Final = 400_000  # characters of one request's descriptions; the server takes a megabyte
MOST: Final = 1000  # descriptions of one request


@dataclass(slots=True, kw_only=True)
class Sorted:
    """What the server said of descriptions, and what became of them; entries by what was done."""

    entries: dict[str, list[Json]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    exit: int = 0

    def put(self, done: str, entry: Json) -> None:
        self.entries.setdefault(done, []).append(entry)

    def fault(self, text: str, code: int) -> None:
        self.faults.append(text)
        self.exit = self.exit or code

    def told(self) -> Json:
        return {**self.entries, "warnings": self.warnings, "faults": self.faults}

    def lines(self) -> Iterator[str]:
        for done, entries in self.entries.items():
            yield from (f"{done}: {named(entry)}" for entry in entries)


def named(entry: Json) -> str:
    visibility = f", {entry['visibility']}" if entry.get("visibility") else ""
    destructive = ", destructive" if entry.get("destructive") is True else ""
    return f"{entry.get('name')} version {entry.get('version')} of {entry.get('user')}{visibility}{destructive}"


def complain(tool: str, sorted_: Sorted) -> None:
    """Warnings and faults go where errors go."""
    for warning in sorted_.warnings:
        print(f"{tool}: warning: {warning}", file=sys.stderr)
    for fault in sorted_.faults:
        print(f"{tool}: {fault}", file=sys.stderr)


def check(client: Client, sources: Sequence[Source], *, existing: str | None) -> Sorted:
    """What would become of each; `existing` says whether one that is there already is skipped, replaced, or a fault."""
    found = Sorted()
    seen: dict[object, str] = {}
    for source, verdict in _verdicts(client, sources):
        found.warnings += [f"{source.place}: {text}" for text in cast(Sequence[str], verdict["warnings"])]
        faults = cast(Sequence[str], verdict["faults"])
        for text in faults:
            found.fault(f"{source.place}: {text}", InvalidEnvironment.code)
        is_skipped = verdict["exists"] and existing == "skip"
        unsendable = [] if is_skipped else _unsendable(client, source, is_recorded=existing is not None)
        for error in unsendable:
            found.fault(f"{source.place}: {error}", exit_code(error))
        identity = json.dumps([verdict[key] for key in ("user", "name", "version")])
        if not faults and identity in seen:
            text = f"{source.place}: {named(verdict)} is described in {seen[identity]} as well"
            found.fault(text, InvalidEnvironment.code)
        seen.setdefault(identity, source.place)
        if verdict["exists"] and existing == "refuse":
            found.fault(f"{source.place}: {named(verdict)} exists already", AlreadyExists.code)
        if not (faults or unsendable):
            done = {"skip": "would be skipped", "replace": "would be replaced"}.get(existing or "", "valid")
            new = "valid" if existing is None else "would be recorded"
            found.put(done if verdict["exists"] else new, verdict)
    return found


def _unsendable(client: Client, source: Source, *, is_recorded: bool) -> list[KadeployError]:
    """What is wrong with the files of this machine that it names."""
    errors: list[KadeployError] = [InvalidFile(text) for text in source.missing]
    if is_recorded and not source.is_of_server and (refusal := refusal_to_keep(client, *local_files(source.content))):
        errors.append(refusal)
    return errors


def usable(client: Client, source: Source) -> Description:
    """The description, to be used once. With files that cannot be had, raises Faults with these and everything that
    the server finds wrong with it."""
    if not source.missing:
        return source.content
    visibility = source.content.get("visibility")
    aside = {"user", "visibility"} if visibility in list(Visibility) else {"user"}  # which say nothing of one use
    rest = {key: value for key, value in source.content.items() if key not in aside}
    try:
        faults = check(client, [replace(source, content=rest)], existing=None).faults
    except KadeployError:
        faults = [f"{source.place}: {fault}" for fault in source.missing]
    raise Faults([f"-a {fault}" for fault in faults])


def record(client: Client, sources: Sequence[Source], *, existing: str, told: Callable[[str], None]) -> Sorted:
    """Each by itself, as its files take time; who fails does not hold up the others. `told` hears of each at once."""
    found = Sorted()
    for source in sources:
        try:
            body = {"environment": source.content, "existing": existing}
            answer = client.once("POST", "/environments/", body=with_files_sent(client, body, lasting=True))
        except KadeployError as error:
            found.fault(f"{source.place}: {explained(error)}", exit_code(error))
            continue
        entry = cast(Json, answer)
        found.warnings += [f"{source.place}: {text}" for text in cast(Sequence[str], entry.get("warnings", ()))]
        found.put(str(entry.get("done")), entry)
        told(f"{entry.get('done')}: {named(entry)}")
    return found


def _verdicts(client: Client, sources: Sequence[Source]) -> Iterator[tuple[Source, Json]]:
    for portion in _portions(sources):
        body = {"environments": [source.content for source in portion]}
        answer = cast(Sequence[Json], client.send("POST", "/environments/check", body))
        yield from zip(portion, answer, strict=True)


def _portions(sources: Sequence[Source]) -> Iterator[list[Source]]:
    """Few enough for one request each."""
    portion: list[Source] = []
    size = 0
    for source in sources:
        length = len(json.dumps(source.content))
        if portion and (size + length > LARGEST or len(portion) == MOST):
            yield portion
            portion, size = [], 0
        portion.append(source)
        size += length
    if portion:
        yield portion
