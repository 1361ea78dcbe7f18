"""`karights`: who may operate which nodes and install which partitions. For administrators."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, cast

from kadeploy.cli.client import Client, Json, segment
from kadeploy.cli.columns import columns
from kadeploy.cli.given import Given
from kadeploy.cli.options import NODES, flag, option
from kadeploy.cli.targets import read_targets
from kadeploy.cli.tool import connected, make_tool, run
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.rights import EVERY

EXAMPLES: Final = """\
  karights -l
  karights -a -u alice -m node-[1-3] -p /dev/sda3
  karights -a -u alice -m '*'
  karights -d -u alice -m node-3"""

ACTIONS: Final = {"add": "-a", "delete": "-d", "list_": "-l"}
OPTIONS: Final = (
    flag("-a", "--add", help="Give rights."),
    flag("-d", "--delete", help="Take rights away."),
    flag("-l", "--list", "list_", help="List rights."),
    option("-u", "--user", metavar="USER", help="Whose rights."),
    *NODES,
    option(
        "-p",
        "--part",
        "partitions",
        metavar="DEVICE",
        multiple=True,
        help="A partition; * (if not given) is every one.",
    ),
    flag("-o", "--overwrite-rights", "overwrite", help="Take the nodes from whoever has rights on them."),
)


def perform(given: Given) -> int:
    action = given.exactly_one(ACTIONS)
    user = given.text("user")
    ranges, files = given.texts("machines"), given.texts("files")
    changes = action in ("add", "delete")
    given.need(not changes or user, f"{ACTIONS.get(action or '')} needs -u USER")
    given.need(not changes or ranges or files, f"no nodes were named: use -m RANGE, -m '{EVERY}' or -f FILE")
    given.need(action == "add" or not given.flag("overwrite"), "-o goes with -a")
    named = [text for text in ranges if text != EVERY]
    given.need(not named or len(named) == len(ranges), f"-m '{EVERY}' is every node: no other may be named beside it")
    nodes = (given.tried(lambda: read_targets(named, files)) if named or files else None) or NodeSet()
    given.check()
    with connected(given) as client:
        if action == "list_":
            return _list(client, user, nodes, as_json=given.flag("as_json"))
        body = _body(nodes, given.texts("partitions"))
        if action == "add":
            overwrite = {"overwrite": True} if given.flag("overwrite") else {}
            answer = client.send("POST", "/rights/", {**overwrite, "username": user, **body})
        else:
            answer = client.send("DELETE", f"/rights/{segment(user or '')}", body)
    if given.flag("as_json"):
        print(json.dumps(answer, indent=2))
    return 0


def _body(nodes: NodeSet, partitions: Sequence[str]) -> Json:
    """What is missing means all."""
    chosen = [text for text in partitions if text != EVERY]
    every = EVERY in partitions
    return {
        **({"partitions": chosen} if chosen and not every else {}),
        **({"nodes": list(nodes)} if nodes else {}),
    }


def _list(client: Client, user: str | None, nodes: NodeSet, *, as_json: bool) -> int:
    answer = cast(
        Mapping[str, Mapping[str, Sequence[str]]], client.get(f"/rights/{segment(user)}" if user else "/rights")
    )
    if nodes:
        wanted = {*nodes.names, EVERY}
        answer = {who: {node: of[node] for node in of if node in wanted} for who, of in answer.items()}
    if as_json:
        print(json.dumps(answer, indent=2))
        return 0
    for line in _lines(answer):
        print(line)
    return 0


def _lines(answer: Mapping[str, Mapping[str, Sequence[str]]]) -> Iterator[str]:
    """Nodes with the same partitions are folded into one line."""
    rows: list[tuple[str, str, str]] = []
    for user, nodes in sorted(answer.items()):
        alike: dict[tuple[str, ...], list[str]] = {}
        for node, partitions in nodes.items():
            alike.setdefault(tuple(sorted(partitions)), []).append(node)
        for held, names in alike.items():
            if EVERY in names:
                rows.append((user, EVERY, ", ".join(held)))
            folded = NodeSet(name for name in names if name != EVERY)
            if folded:
                rows.append((user, str(folded), ", ".join(held)))
    if not rows:
        yield "no right"
        return
    yield from columns(["user", "nodes", "partitions"], rows)


ABOUT: Final = "List, give or take rights on nodes and partitions. For administrators."

command = make_tool("karights", perform, about=ABOUT, examples=EXAMPLES, options=OPTIONS)


def main() -> None:
    run(command)
