"""`karights`: who may operate which nodes and install which partitions, and until when."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, cast

import yaml

from kadeploy.cli import old_forms
from kadeploy.cli.client import Client, Json, segment
from kadeploy.cli.columns import columns
from kadeploy.cli.every_server import spread
from kadeploy.cli.given import Given
from kadeploy.cli.moments import moment, shown, span
from kadeploy.cli.options import NODES, flag, option, optional
from kadeploy.cli.preferences import OUTPUT
from kadeploy.cli.targets import Targets, read_targets, worked_out
from kadeploy.cli.tool import connected, make_tool, run
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.rights import EVERY, GROUP

EXAMPLES: Final = """\
  karights -l
  karights -l -u alice -o json
  karights -a -u alice -m node-[1-3] -p /dev/sda3
  karights -a -u alice -m node-[1-3] --for 4h
  karights -a -g ml -m '*' --from 'tomorrow 8:00' --until 'tomorrow 18:00'
  karights -d -u alice -m node-3"""

ACTIONS: Final = {"add": "-a", "delete": "-d", "list_": "-l"}
TIMES: Final = {"since": "--from", "until": "--until", "lasts": "--for"}
FORMS: Final[Mapping[str, Callable[[object], str]]] = {
    "json": lambda answer: json.dumps(answer, indent=2) + "\n",
    "yaml": lambda answer: yaml.safe_dump(answer, sort_keys=False),
}
FORMATS: Final = ("table", *FORMS, old_forms.TABLE)
OPTIONS: Final = (
    flag("-a", "--add", help="Give rights."),
    flag("-d", "--delete", help="Take rights away."),
    flag("-l", "--list", "list_", help="List rights."),
    option("-u", "--user", metavar="USER", help="Whose rights."),
    option("-g", "--group", metavar="GROUP", help="Rights of everybody in this group or project, instead of a user's."),
    *NODES,
    option(
        "-p",
        "--part",
        "partitions",
        metavar="DEVICE",
        multiple=True,
        help="A partition; * (if not given) is every one.",
    ),
    option("--from", "since", metavar="WHEN", help="When they begin: 18:00, '2027-01-31 18:00', +30m; now."),
    option("--until", metavar="WHEN", help="When they end by themselves; never, if not given."),
    option("--for", "lasts", metavar="TIME", help="How long they last: 30m, 4h, 2d."),
    optional(
        "-o",
        "--overwrite-rights",
        "overwrite",
        metavar="[FORMAT]",
        help="With -a: take the nodes from whoever has rights on them. With -l: the form, as --output.",
    ),
    option(
        "--output",
        "format",
        metavar="FORMAT",
        help="json, yaml, table or kadeploy3, a line a node: how to answer; the last for karights3, usually.",
    ),
)


def perform(given: Given) -> int:
    action = given.exactly_one(ACTIONS)
    changes = action in ("add", "delete")
    holder = _holder(given, action, needed=changes)
    ranges, files = given.texts("machines"), given.texts("files")
    given.need(not changes or ranges or files, f"no nodes were named: use -m RANGE, -m '{EVERY}' or -f FILE")
    given.need(not (action == "list_" and given.texts("partitions")), "-p goes with -a and -d, not with -l")
    given.need(not (action == "list_" and given.flag("dry_run")), "--dry-run goes with -a and -d, not with -l")
    named = [text for text in ranges if text != EVERY]
    given.need(not named or len(named) == len(ranges), f"-m '{EVERY}' is every node: no other may be named beside it")
    targets = (given.tried(lambda: read_targets(named, files)) if named or files else None) or Targets()
    overwrite, form = _overwrite_and_format(given, action)
    times = _times(given, action)
    given.check()
    with connected(given) as client:
        if action == "list_":
            nodes = worked_out(client, targets)
            if form == old_forms.TABLE:
                print("\n".join(_old_lines(client, holder, nodes)))
            else:
                _tell(_listed(client, holder, nodes), form)
            return 0
        dry_run = {"dry_run": True, "detailed": True} if given.flag("dry_run") else {}
        body = {**_body(targets, given.texts("partitions")), **dry_run}
        if action == "add":
            answer = client.once("POST", "/rights/", body={**overwrite, "username": holder, **body, **times})
        else:
            answer = client.send("DELETE", f"/rights/{segment(holder)}", body)
    if form in FORMS:
        print(FORMS[form](answer), end="")
    elif dry_run:
        print("would be given:" if action == "add" else "would be taken away:")
        _tell(cast(Sequence[Json], answer), form)
    return 0


def _holder(given: Given, action: str | None, *, needed: bool) -> str:
    """A user, or a group with `@` in front."""
    user, group = given.text("user") or "", given.text("group") or ""
    given.need(not (user and group), "-u and -g exclude each other: a right is a user's or a group's")
    given.need(not needed or user or group, f"{ACTIONS.get(action or '')} needs -u USER or -g GROUP")
    return GROUP + group.removeprefix(GROUP) if group else user


def _overwrite_and_format(given: Given, action: str | None) -> tuple[dict[str, object], str]:
    """-o is Kadeploy3's for overwriting, and alone; with a word behind it, it is the form of the answer."""
    letter, form = given.text("overwrite"), given.text("format")
    if letter and action == "add":
        given.need(False, f"-o {letter}: stands alone with -a; use --output {letter}")
    given.need(not (letter == "" and action != "add"), "-o goes with -a; with -l it is followed by json, yaml or table")
    given.need(not (letter and form), "-o and --output both say how to answer")
    wish = form or letter
    given.need(not given.flag("as_json") or wish in (None, "", "json"), f"--json and -o {wish} exclude each other")
    chosen = form or letter or ("json" if given.flag("as_json") else given.preferred(OUTPUT) or "table")
    given.need(chosen in FORMATS, f"-o {chosen}: must be {', '.join(FORMATS)}")
    return ({"overwrite": True} if letter == "" else {}), chosen


def _times(given: Given, action: str | None) -> Json:
    present = [TIMES[name] for name in TIMES if given.text(name) is not None]
    given.need(not present or action == "add", f"{' and '.join(present)} goes with -a")
    since, until, lasts = (given.text(name) for name in TIMES)
    given.need(until is None or lasts is None, "--until and --for both say when they end")
    now = datetime.now().astimezone()
    told: dict[str, object] = {}
    if since is not None and (begin := given.tried(lambda: moment(since, "--from", now=now))):
        told["from"] = begin.isoformat()
    if until is not None and (end := given.tried(lambda: moment(until, "--until", now=now))):
        told["until"] = end.isoformat()
    if lasts is not None:
        told["for"] = str(given.tried(lambda: span(lasts, "--for")))
    return told


def _body(targets: Targets, partitions: Sequence[str]) -> Json:
    """What is missing means all."""
    chosen = [text for text in partitions if text != EVERY]
    every = EVERY in partitions
    return {
        **({"partitions": chosen} if chosen and not every else {}),
        **({"nodes": targets.listed} if targets else {}),
    }


def _listed(client: Client, holder: str, nodes: NodeSet) -> Sequence[Json]:
    """Those on these nodes, and those on every node."""
    rights = cast(Sequence[Json], client.get(_path(holder), {"detailed": "true"}))
    return [right for right in rights if _is_wanted(str(right["node"]), nodes)]


def _path(holder: str) -> str:
    return f"/rights/{segment(holder)}" if holder else "/rights"


def _is_wanted(node: str, nodes: NodeSet) -> bool:
    """`nodes` may be short."""
    shorts = {name for name in nodes.names if "." not in name}
    return not nodes or node == EVERY or node in nodes.names or node.partition(".")[0] in shorts


def _old_lines(client: Client, holder: str, nodes: NodeSet) -> Iterator[str]:
    """As `karights3 -l` printed what holds now: a line a node."""
    rights = cast(Mapping[str, Mapping[str, Sequence[str]]], client.get(_path(holder)))
    rows = [
        (who, node, ", ".join(partitions))
        for who, held in rights.items()
        for node, partitions in held.items()
        if _is_wanted(node, nodes)
    ]
    return old_forms.table({"User": 15, "Node": 41, "Partitions": 0}, rows)


def _tell(rights: Sequence[Json], form: str) -> None:
    if form in FORMS:
        print(FORMS[form](list(rights)), end="")
        return
    for line in _lines(rights):
        print(line)


def _lines(rights: Sequence[Json]) -> Iterator[str]:
    """Nodes with the same partitions at the same time are folded into one line."""
    partitions: dict[tuple[str, str, str, str], list[str]] = {}
    for right in rights:
        group = right.get("group")
        who = f"{GROUP}{group}" if group else str(right["user"])
        since, until = (shown(cast(str | None, right[key])) or "" for key in ("from", "until"))
        partitions.setdefault((who, str(right["node"]), since, until), []).append(str(right["partition"]))
    alike: dict[tuple[str, str, str, str], list[str]] = {}
    for (who, node, since, until), held in partitions.items():
        alike.setdefault((who, ", ".join(held), since, until), []).append(node)
    rows: list[tuple[str, ...]] = []
    for (who, told, since, until), names in alike.items():
        folded = NodeSet(name for name in names if name != EVERY)
        rows += [(who, EVERY, told, since, until)] * (EVERY in names)
        rows += [(who, str(folded), told, since, until)] * bool(folded)
    if not rows:
        yield "no right"
        return
    yield from columns(["user", "nodes", "partitions", "from", "until"], rows)


ABOUT: Final = "List, give or take rights on nodes and partitions, for a time or for good. For administrators."

command = make_tool("karights", perform, about=ABOUT, examples=EXAMPLES, options=OPTIONS, spread=spread)


def main() -> None:
    run(command)
