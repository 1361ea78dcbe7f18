"""`kanodes`: what nodes run, and which operations there are."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

import yaml

from kadeploy.cli.client import Client, Json, segment
from kadeploy.cli.columns import columns
from kadeploy.cli.every_server import at_its_server, spread
from kadeploy.cli.given import Given
from kadeploy.cli.operation import KINDS
from kadeploy.cli.options import NODES, flag, option
from kadeploy.cli.preferences import FORMS, OUTPUT
from kadeploy.cli.refused import Refused
from kadeploy.cli.targets import Targets, read_targets
from kadeploy.cli.tool import Perform, connected, make_tool, run
from kadeploy.cli.units import clock
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import OperationKind

EXAMPLES: Final = """\
  kanodes
  kanodes -m node-[1-3]
  kanodes -d
  kanodes -w D-6a1f... --json"""

CONSOLE: Final = "C-"
LISTS: Final[Mapping[str, tuple[OperationKind, ...]]] = {
    "deployments": (OperationKind.DEPLOYMENT,),
    "reboots": (OperationKind.REBOOT,),
    "powers": (OperationKind.POWER,),
    "all": tuple(OperationKind),
}
OF_IDS: Final = {
    **{kind.prefix: name for name, kinds in LISTS.items() for kind in kinds if name != "all"},
    CONSOLE: "consoles",
}
HELD: Final = "held"
CHOICES: Final = {
    "states": "-s",
    "deployments": "-d",
    "reboots": "-r",
    "powers": "-p",
    "consoles": "-c",
    "all": "-a",
}
OPTIONS: Final = (
    *NODES,
    flag("-s", "--get-nodes-state", "states", help="What every node runs (if nothing else is asked)."),
    flag("-d", "--get-deployments", "deployments", help="Deployments."),
    flag("-r", "--get-reboots", "reboots", help="Reboots."),
    flag("-p", "--get-powers", "powers", help="Power operations."),
    flag("-c", "--get-consoles", "consoles", help="Consoles that are attended."),
    flag("-a", "--get-all", "all", help="Operations of every kind, and consoles."),
    option("-w", "--workflow-id", "wid", metavar="ID", help="One operation, and where its nodes are; or a console."),
    flag("--finished", help="Operations that have ended, too."),
    option(
        "-o",
        "--output",
        "format",
        metavar="FORMAT",
        help=f"{', '.join(FORMS)}: how to answer; table, usually, and yaml for kanodes3.",
    ),
    flag("--yaml", "as_yaml", help="Answer with YAML, as Kadeploy3's tool did."),
)


def perform(given: Given) -> int:
    wid, chosen = given.text("wid"), [name for name in CHOICES if given.flag(name)]
    targets = Targets()
    if given.texts("machines") or given.texts("files"):
        targets = given.tried(lambda: read_targets(given.texts("machines"), given.texts("files"))) or targets
    given.need(len(chosen) < 2, " and ".join(CHOICES[name] for name in chosen) + " exclude each other")
    given.need(wid is None or wid[:2] in OF_IDS, f"-w {wid}: an operation's id begins with {', '.join(OF_IDS)}")
    asked = "states" if not chosen else chosen[0]
    other = "-w" if wid is not None else CHOICES[asked]
    given.need(not targets or other == CHOICES["states"], f"-m and -f go with -s, not with {other}")
    if wid is not None and chosen and wid[:2] in OF_IDS:
        given.need(
            asked in (OF_IDS[wid[:2]], "all"), f"-w {wid} goes with {CHOICES[OF_IDS[wid[:2]]]}, not {CHOICES[asked]}"
        )
    given.need(
        not given.flag("finished") or (other in ("-d", "-r", "-p", "-a")), f"--finished does not go with {other}"
    )
    form = _form(given)
    given.check()
    with connected(given) as client:
        if wid is not None:
            _tell(form, answer := _operation(client, wid), _operation_lines(answer))
        elif asked == "states":
            states = cast(Json, client.get("/nodes", {"nodes": targets.folded} if targets else None))
            _tell_unknown(targets.nodes, states)
            _tell(form, states, _state_lines(states))
        else:
            items = _operations(client, LISTS.get(asked, ()), finished=given.flag("finished"))
            items += [_console(item) for item in _consoles(client)] if asked in ("consoles", "all") else []
            nothing = "no console" if asked == "consoles" else "no operation"
            _tell(form, items, _list_lines(items, time.time() - client.skew, nothing))
    return 0


def _form(given: Given) -> str:
    """How to answer; a wrong or doubled wish is a fault."""
    wishes = [("--json", "json")] * given.flag("as_json") + [("--yaml", "yaml")] * given.flag("as_yaml")
    if (word := given.text("format")) is not None:
        given.need(word in FORMS, f"-o {word}: must be {', '.join(FORMS)}")
        wishes.append((f"-o {word}", word))
    given.need(len({form for _, form in wishes}) < 2, f"{' and '.join(said for said, _ in wishes)} exclude each other")
    return wishes[0][1] if wishes else given.preferred(OUTPUT) or "table"


def _tell(form: str, answer: object, lines: Iterator[str]) -> None:
    if form == "json":
        print(json.dumps(answer, indent=2, ensure_ascii=False))
    elif form == "yaml":
        print(yaml.safe_dump(answer, sort_keys=False, explicit_start=True, allow_unicode=True), end="")
    else:
        for line in lines:
            print(line)


def _tell_unknown(asked: NodeSet, states: Json) -> None:
    """A server refuses only when none of the nodes is its own; their short names are as good."""
    known = {name for each in states for name in (each, *_shorter(each))}
    if unknown := NodeSet(name for name in asked if name not in known):
        print(f"kanodes: there is no node {unknown}", file=sys.stderr)


def _shorter(name: str) -> Iterator[str]:
    parts = name.split(".")
    yield from (".".join(parts[:count]) for count in range(1, len(parts)))


def _operations(client: Client, kinds: Sequence[OperationKind], *, finished: bool) -> list[Json]:
    items = [item for kind in kinds for item in cast(Sequence[Json], client.get(f"/{kind}"))]
    return [item for item in items if finished or not item.get("done") or _is_held(item)]


def _consoles(client: Client) -> Sequence[Json]:
    return cast(Sequence[Json], client.get("/console"))


def _console(item: Json) -> Json:
    """With the names that operations have for the same things."""
    return {"wid": item.get("id"), **item, "nodes": [item.get("node")], "done": False}


def _everywhere(given: Given, perform: Perform) -> int:
    """At every server, but for what one of them alone knows."""
    wid = given.text("wid")
    if wid is None or wid[:2] not in OF_IDS:
        return spread(given, perform)
    return perform(at_its_server(given, _path(wid)))


def _path(wid: str) -> str:
    return f"/{'console' if wid.startswith(CONSOLE) else KINDS[wid[:2]]}/{segment(wid)}"


def _operation(client: Client, wid: str) -> Json:
    """Its resource, and its nodes' places where the caller may see them; or a console."""
    path = _path(wid)
    info = cast(Json, client.get(path))
    if wid.startswith(CONSOLE):
        return _console(info)
    try:
        return {**info, "state_of_nodes": client.get(f"{path}/state")}
    except Refused as error:
        if error.status not in (401, 403):
            raise
        return info


def _state_lines(states: Json) -> Iterator[str]:
    rows = []
    for name in NodeSet(states):
        known = cast(Json, states[name] or {})
        environment = cast(Json, known.get("environment") or {})
        version = environment.get("version")
        label = f"{environment['name']} v{version}" if environment.get("name") else None
        rows.append((name, known.get("state"), known.get("user"), label))
    yield from columns(["node", "state", "user", "environment"], rows)


def _list_lines(items: Sequence[Json], now: float, nothing: str = "") -> Iterator[str]:
    if not items:
        yield nothing
        return
    rows = []
    for item in items:
        everyone = _members(item.get("nodes"))
        seconds = item.get("time", now - float(cast(float, item.get("start_time") or now)))
        rows.append((item.get("wid"), item.get("user"), _state(item), clock(float(cast(float, seconds))), everyone))
    yield from columns(["id", "user", "state", "time", "nodes"], rows)


def _members(nodes: object) -> NodeSet:
    """All nodes of an operation; somebody else's are told as a plain list."""
    sets = nodes.values() if isinstance(nodes, Mapping) else [nodes or ()]
    return NodeSet(name for names in cast(Sequence[Sequence[str]], list(sets)) for name in names or ())


def _is_held(item: Json) -> bool:
    """Nothing of it runs, and it is not over: `done` is what Kadeploy3's tools must hear."""
    return item.get("state") == HELD


def _state(item: Json) -> str:
    if _is_held(item):
        return HELD
    return "error" if item.get("error") else "done" if item.get("done") else "running"


def _operation_lines(info: Json) -> Iterator[str]:
    yield from _list_lines([info], time.time())
    environment = info.get("environment")
    if isinstance(environment, Mapping) and environment.get("name"):
        yield f"environment {environment['name']} v{environment.get('version')} of {environment.get('user')}"
    places = info.get("state_of_nodes")
    if isinstance(places, Mapping) and places:
        rows = []
        for name in NodeSet(places):
            place = cast(Json, places[name] or {})
            told = place.get("error") or place.get("out")
            rows.append((name, place.get("state"), place.get("macro"), place.get("micro"), told))
        yield ""
        yield from columns(["node", "state", "macro-step", "micro-step", "told"], rows)


ABOUT: Final = "Show what nodes run, or which operations there are."

command = make_tool("kanodes", perform, about=ABOUT, examples=EXAMPLES, options=OPTIONS, spread=_everywhere)


def main() -> None:
    run(command)
