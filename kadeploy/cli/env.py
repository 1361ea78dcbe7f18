"""`kaenv`: the recorded environments."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, cast

from kadeploy.cli import old_forms
from kadeploy.cli.choose_environment import asked_for
from kadeploy.cli.client import Client, Json, current_user, segment
from kadeploy.cli.company import of_actions
from kadeploy.cli.description import Source, is_of_server, read_all, read_source, source_at
from kadeploy.cli.env_answer import FORMATS, Answer, changed, describe_all, old_table, table
from kadeploy.cli.env_export import find, write
from kadeploy.cli.env_import import Sorted, check, complain, named, record
from kadeploy.cli.env_options import ACTIONS, DESCRIBED, NO_VERSION, OPTIONS, OWN_OPTIONS, SHOWN, WITH_WORDS
from kadeploy.cli.every_server import spread
from kadeploy.cli.given import Given
from kadeploy.cli.local_files import local_files, with_files_sent
from kadeploy.cli.preferences import OUTPUT
from kadeploy.cli.refused import Refused
from kadeploy.cli.tool import connected, make_tool, run
from kadeploy.domain.environment import Visibility
from kadeploy.errors import AlreadyExists, Faults, InvalidEnvironment

EXAMPLES: Final = """\
  kaenv -l
  kaenv -l 'debian%' -u alice -s --columns name,version,arch,image.file
  kaenv -p debian12@alice:2
  kaenv -a debian12.yaml
  kaenv -d debian12
  kaenv --set-visibility-tag debian12 -t public
  kaenv --check *.yaml
  kaenv --import /srv/descriptions --skip
  kaenv --export backup
  kaenv --move-files -m server:///old/::server:///srv/images/ --dry-run"""

CHANGES: Final[Mapping[str, Json]] = {
    "toggle": {"toggle_destructive": True},
    "image_checksum": {"update_image_checksum": True},
    "preinstall_checksum": {"update_preinstall_checksum": True},
    "postinstalls_checksum": {"update_postinstalls_checksum": True},
}
Work = Callable[[Client], Answer]


def perform(given: Given) -> int:
    action = given.exactly_one(ACTIONS) or "list_"
    form = _form(given)
    given.need(form in FORMATS, f"-o {form}: must be {', '.join(FORMATS)}")
    _check_company(given, action)
    work = _work(given, action)
    given.check()
    with connected(given) as client:
        return work(client).tell(form)


def _form(given: Given) -> str:
    return given.text("format") or ("json" if given.flag("as_json") else given.preferred(OUTPUT) or "table")


def _check_company(given: Given, action: str) -> None:
    """What does not go with the action."""
    of_actions(given, action, OWN_OPTIONS, ACTIONS)
    words = given.texts("words")
    given.need(not words or action in WITH_WORDS, f"{' '.join(words)}: nothing is expected here")
    needed = action not in ("check", "import_") or words
    given.need(needed, f"{ACTIONS[action]} needs files, directories or URLs")
    version, every = given.text("env_version"), given.flag("all_versions")
    given.need(version is None or not every, "-s and --env-version exclude each other")
    given.need(
        action not in DESCRIBED or version is None, f"--env-version does not go with {ACTIONS[action]}: it is described"
    )
    given.need(action not in NO_VERSION or version is None, f"--env-version does not go with {ACTIONS[action]}")
    wishes = given.flag("as_json") and given.text("format") not in (None, "json")
    given.need(not wishes, f"--json and -o {given.text('format')} exclude each other")


def _work(given: Given, action: str) -> Work:
    """What to do, with all that can be checked before a server is asked done already."""
    if action in ("list_", "print_"):
        return _show(given, action)
    if action == "add":
        return _add(given)
    if action in ("check", "import_"):
        return _take_in(given, action)
    if action == "export":
        return _give_out(given)
    if action == "move_files":
        return _move(given)
    if action == "schema":
        return lambda client: Answer(value=client.get("/environments/schema"), forms=("json", "yaml"))
    return _change(given, action)


def _check_columns(client: Client, keys: Sequence[str], entries: Sequence[Json]) -> None:
    """Raises Faults for what no description has, by the schema that the server publishes."""
    schema = cast(Json, client.get("/environments/schema"))
    known = dict.fromkeys(key for keyed in (cast(Json, schema.get("properties", {})), *entries) for key in keyed)
    if faults := [f"--columns {key}: there is no such key" for key in keys if key.partition(".")[0] not in known]:
        raise Faults([*faults[:-1], f"{faults[-1]} (there are {', '.join(known)})"])


def _show(given: Given, action: str) -> Work:
    name, owner, version = (
        given.text(action) or "",
        given.text("owner"),
        given.number("env_version", "--env-version", least=0),
    )
    keys = tuple(key.strip() for key in (given.text("columns") or SHOWN).split(",") if key.strip())
    is_old = _form(given) == old_forms.TABLE and given.text("columns") is None
    listed = old_table if is_old else partial(table, keys)
    wanted = {
        "last": "" if given.flag("all_versions") or version is not None else "true",
        "username": owner or "",
        "version": "" if version is None else str(version),
        "name": name,
        "checksums": "true" if given.flag("with_checksums") else "",
    }

    def work(client: Client) -> Answer:
        try:
            found = client.get("/environments", {key: value for key, value in wanted.items() if value})
        except Refused as error:
            if error.status != 404:
                raise
            found = []
        entries = found if isinstance(found, list) else []
        if given.text("columns") is not None:
            _check_columns(client, keys, entries)
        if not entries and action == "print_":
            asked = asked_for(name, owner, version)
            raise InvalidEnvironment(f"the environment {asked} does not exist", hint="kaenv -l -s lists all of them")
        return Answer(value=entries, lines=listed(entries) if action == "list_" else describe_all(entries))

    return work


def _add(given: Given) -> Work:
    file, owner = given.text("add") or "", given.text("owner")
    here = None if is_of_server(file) else given.tried(lambda: read_source(file))

    def work(client: Client) -> Answer:
        source = _owned(here or source_at(client, file), owner)
        body: dict[str, object] = {"environment": source.content, "last": True}
        if given.flag("dry_run") or local_files(source.content):  # before any of them is sent
            found = check(client, [source], existing="refuse")
            if given.flag("dry_run") or found.faults:
                return _judged(found)
        return changed(client, "POST", "/environments/", with_files_sent(client, body, lasting=True), "recorded")

    return work


def _owned(source: Source, owner: str | None) -> Source:
    return replace(source, content={**source.content, "user": owner}) if owner else source


def _take_in(given: Given, action: str) -> Work:
    owner, existing = given.text("owner"), _existing(given)
    recording = action == "import_"

    def work(client: Client) -> Answer:
        sources, faults = read_all(given.texts("words"), client)
        sources = [_owned(source, owner) for source in sources]
        found = check(client, sources, existing=existing if recording else None)
        found.faults[:0] = faults
        found.exit = found.exit or (InvalidEnvironment.code if faults else 0)
        if not recording or found.faults or given.flag("dry_run"):
            hint = "; --skip and --replace say what to do with what exists"
            return _judged(found, recording=recording, hint=hint)
        shown = _form(given) in ("table", old_forms.TABLE)
        done = record(client, sources, existing=existing, told=print if shown else lambda line: None)
        complain("kaenv", done)
        return Answer(value=done.told(), lines=[_count(done)], exit=done.exit)

    return work


def _judged(found: Sorted, *, recording: bool = True, hint: str = "") -> Answer:
    complain("kaenv", found)
    refused = recording and bool(found.faults)
    if refused:
        told = hint if found.exit == AlreadyExists.code else ""
        print(f"kaenv: nothing was recorded{told}", file=sys.stderr)
    return Answer(value=found.told(), lines=() if refused else found.lines(), exit=found.exit)


def _existing(given: Given) -> str:
    chosen = [text for text in (given.text("existing"),) if text]
    chosen += [name for name in ("skip", "replace") if given.flag(name)]
    given.need(len(chosen) < 2, "--existing, --skip and --replace exclude each other")
    what = chosen[0] if chosen else "refuse"
    given.need(what in ("refuse", "skip", "replace"), f"--existing {what}: must be refuse, skip, replace")
    return what


def _count(found: Sorted) -> str:
    said = [f"{len(entries)} {done}" for done, entries in found.entries.items()]
    failed = [f"{len(found.faults)} failed"] if found.faults else []
    return ", ".join([*said, *failed]) or "nothing"


def _give_out(given: Given) -> Work:
    directory, names, owner = Path(given.text("export") or ""), given.texts("words"), given.text("owner")
    given.need(
        not given.flag("multi_server"), f"{directory} is for one server's environments: choose it with -S, not -M"
    )

    def work(client: Client) -> Answer:
        entries = find(client, names, owner, last=False)
        paths = write(directory, entries) if not given.flag("dry_run") else []
        lines = [f"written: {path}" for path in paths] or [f"would be written: {named(entry)}" for entry in entries]
        return Answer(value=[str(path) for path in paths], lines=lines or ["no environment"])

    return work


def _move(given: Given) -> Work:
    moves: dict[str, str] = {}
    pairs = [pair for text in given.texts("moves") for pair in text.split(",") if pair]
    for pair in pairs:
        old, parted, new = pair.partition("::")
        given.need(parted and old and new, f"-m {pair}: must be OLD::NEW")
        given.need(moves.get(old, new) == new, f"-m {pair}: {old} goes to {moves.get(old)} already")
        moves[old] = new
    given.need(pairs, "--move-files needs -m OLD::NEW")
    body: dict[str, object] = {"update_files": moves, "last": True, **_dry(given)}
    done = "would be changed" if given.flag("dry_run") else "changed"
    return lambda client: changed(client, "PUT", "/environments/", body, done, files=True)


def _change(given: Given, action: str) -> Work:
    name, owner = given.text(action) or "", given.text("owner")
    version = given.number("env_version", "--env-version", least=0)
    last: Json = {} if given.flag("all_versions") else {"last": True}
    path = f"/environments/{segment(owner or current_user(os.environ))}/{segment(name)}"
    path += "" if version is None else f"/{version}"
    would = "would be " if given.flag("dry_run") else ""
    if action == "delete":
        return lambda client: changed(client, "DELETE", path, {**last, **_dry(given)}, f"{would}deleted")
    visibility = given.text("visibility")
    tags = ", ".join(Visibility)
    given.need(visibility is None or visibility in list(Visibility), f"-t {visibility}: must be {tags}")
    given.need(action != "set_visibility" or visibility, "--set-visibility-tag needs -t TAG")
    body = {**CHANGES.get(action, {"visibility": visibility}), **last, **_dry(given)}
    return lambda client: changed(client, "PUT", path, body, f"{would}changed")


def _dry(given: Given) -> Json:
    return {"dry_run": True} if given.flag("dry_run") else {}


ABOUT: Final = "List, show, record, change, check, import or export environments."

command = make_tool("kaenv", perform, about=ABOUT, examples=EXAMPLES, options=OPTIONS, spread=spread)


def main() -> None:
    run(command)
