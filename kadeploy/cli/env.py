"""`kaenv`: the recorded environments."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, cast

import yaml

from kadeploy.cli.client import Client, Json, current_user, segment
from kadeploy.cli.columns import columns
from kadeploy.cli.description import read_description
from kadeploy.cli.given import Given
from kadeploy.cli.options import flag, option, optional
from kadeploy.cli.refused import Refused
from kadeploy.cli.tool import connected, make_tool, run
from kadeploy.domain.environment import Visibility
from kadeploy.errors import InvalidEnvironment

EXAMPLES: Final = """\
  kaenv -l
  kaenv -l 'debian%' -u alice
  kaenv -p debian12 --env-version 2
  kaenv -a debian12.yaml
  kaenv -d debian12
  kaenv --set-visibility-tag debian12 -t public"""

ACTIONS: Final = {
    "list_": "-l",
    "print_": "-p",
    "add": "-a",
    "delete": "-d",
    "set_visibility": "--set-visibility-tag",
    "toggle": "--toggle-destructive-tag",
    "checksum": "--update-image-checksum",
}
OPTIONS: Final = (
    optional("-l", "--list", "list_", metavar="[PATTERN]", help="List environments; % in the pattern is any text."),
    option("-p", "--print", "print_", metavar="NAME", help="Print a description."),
    option("-a", "--add", metavar="FILE_OR_URL", help="Record the environment that is described there."),
    option("-d", "--delete", metavar="NAME", help="Delete the newest version, or the one given, or with -s all."),
    option("--set-visibility-tag", "set_visibility", metavar="NAME", help="Change who may use it, to that of -t."),
    option("--toggle-destructive-tag", "toggle", metavar="NAME", help="Mark it as destructive, or no longer."),
    option("--update-image-checksum", "checksum", metavar="NAME", help="Record the image's checksum anew."),
    flag("-s", "--all-versions", help="Every version, not only the newest."),
    option("-u", "--env-user", "owner", metavar="OWNER", help="Whose environment; yours if not given."),
    option("--env-version", metavar="N", help="Which version."),
    option("-t", "--visibility-tag", "visibility", metavar="TAG", help="private, shared or public."),
)

Work = Callable[[Client], tuple[object, Iterator[str]]]


def perform(given: Given) -> int:
    action = given.exactly_one(ACTIONS)
    version = given.number("env_version", "--env-version", least=0)
    visibility = given.text("visibility")
    given.need(
        visibility is None or visibility in list(Visibility), f"-t {visibility}: must be {', '.join(Visibility)}"
    )
    tagging = action == "set_visibility"
    given.need(not tagging or visibility, "--set-visibility-tag needs -t TAG")
    given.need(tagging or visibility is None, "-t goes with --set-visibility-tag")
    given.need(version is None or not given.flag("all_versions"), "-s and --env-version exclude each other")
    given.need(action != "add" or version is None, "--env-version does not go with -a: the description has its own")
    work = _work(given, action or "list_", version)
    given.check()
    with connected(given) as client:
        answer, lines = work(client)
    if given.flag("as_json"):
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        for line in lines:
            print(line)
    return 0


def _work(given: Given, action: str, version: int | None) -> Work:
    """What to do, with all that can be checked before a server is asked done already."""
    name = given.text(action) or ""
    owner = given.text("owner")
    last: Json = {} if given.flag("all_versions") else {"last": True}
    if action in ("list_", "print_"):
        return lambda client: _shown(client, action, _query(name, owner, version, bool(last)))
    if action == "add":
        description = given.tried(lambda: read_description(name))
        return lambda client: _changed(client, "POST", "/environments/", {"environment": description, **last})
    path = f"/environments/{segment(owner or current_user(os.environ))}/{segment(name)}"
    path += "" if version is None else f"/{version}"
    change: Mapping[str, Json] = {
        "set_visibility": {"visibility": given.text("visibility")},
        "toggle": {"toggle_destructive": True},
        "checksum": {"update_image_checksum": True},
    }
    if action == "delete":
        return lambda client: _changed(client, "DELETE", path, last)
    return lambda client: _changed(client, "PUT", path, {**change[action], **last})


def _query(name: str, owner: str | None, version: int | None, last: bool) -> dict[str, str | list[str]]:
    wanted = {
        "last": "true" if last and version is None else "",
        "username": owner or "",
        "version": "" if version is None else str(version),
        "name": name,
    }
    return {key: value for key, value in wanted.items() if value}


def _shown(client: Client, action: str, query: Mapping[str, str | list[str]]) -> tuple[object, Iterator[str]]:
    try:
        found = cast(Sequence[Json], client.get("/environments", query))
    except Refused as error:
        if error.status != 404:
            raise
        found = []
    if not found and action == "print_":
        raise InvalidEnvironment(f"the environment {query['name']!r} does not exist", hint="kaenv -l lists them")
    return found, _list_lines(found) if action == "list_" else _print_lines(found)


def _list_lines(found: Sequence[Json]) -> Iterator[str]:
    if not found:
        yield "no environment"
        return
    keys = ("name", "version", "user", "visibility", "description")
    yield from columns(keys, [[entry.get(key) for key in keys] for entry in found])


def _print_lines(found: Sequence[Json]) -> Iterator[str]:
    """The description as it was recorded; the owner is not part of it."""
    for entry in found:
        shown = {key: value for key, value in entry.items() if key != "user"}
        yield yaml.safe_dump(shown, sort_keys=False, explicit_start=True, allow_unicode=True).rstrip()


def _changed(client: Client, method: str, path: str, body: Json) -> tuple[object, Iterator[str]]:
    answer = client.send(method, path, body)
    entries = answer if isinstance(answer, list) else [answer]
    done = {"POST": "recorded", "PUT": "changed", "DELETE": "deleted"}[method]
    return answer, (
        f"{done}: {entry.get('name')} version {entry.get('version')} of {entry.get('user')}, {entry.get('visibility')}"
        for entry in entries
        if isinstance(entry, Mapping)
    )


ABOUT: Final = "List, show, record, change or delete environments."

command = make_tool("kaenv", perform, about=ABOUT, examples=EXAMPLES, options=OPTIONS)


def main() -> None:
    run(command)
