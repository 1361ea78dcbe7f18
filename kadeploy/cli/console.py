"""`kaconsole`: a node's serial console at this terminal."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final, cast

from kadeploy.cli.every_server import spread
from kadeploy.cli.given import Given
from kadeploy.cli.later import Later, load
from kadeploy.cli.options import flag, option
from kadeploy.cli.targets import GROUP, read_targets
from kadeploy.cli.tool import connected, make_tool, print_json, run

EXAMPLES: Final = """\
  kaconsole -m node-3
  kaconsole -m node-3 --watch
  kaconsole -m node-3 --watch > boot.txt"""

OPTIONS: Final = (
    option("-m", "--machine", metavar="NODE", help="The node."),
    flag("-w", "--watch", help="Only read; also where somebody else types."),
    flag("--take", help="Take the console over from whoever types there."),
)


def perform(given: Given) -> int:
    node, watch, dry = given.text("machine"), given.flag("watch"), given.flag("dry_run")
    given.need(node, "no node was named: use -m NODE")
    given.need(not (watch and given.flag("take")), "--watch and --take exclude each other")
    typed = not watch and not dry
    given.need(not typed or os.isatty(0), "standard input is not a terminal: --watch reads without one")
    target = _target(given, node or "")
    given.check()
    asked = {"node": target, "stream": True, "watch": watch, "force": given.flag("take"), "dry_run": dry}
    with connected(given) as client:
        answer = cast(Mapping[str, Any], client.once("POST", "/console/", body=asked))
        if dry:
            if given.flag("as_json"):
                print_json(answer)
            else:
                print(f"would be attended: the console of {answer['node']}")
            return 0
        return int(load(Later.CONSOLE).attend(client, answer, keys=0 if os.isatty(0) else None, types=not watch))


def _target(given: Given, node: str) -> str:
    """With this machine's groups worked out; the rest is for the server to understand."""
    if GROUP not in node:
        return node
    targets = given.tried(lambda: read_targets((node,), ()))
    return targets.folded[0] if targets else node


ABOUT: Final = "Attend a node's serial console. ESC four times leaves."

command = make_tool("kaconsole", perform, about=ABOUT, examples=EXAMPLES, options=OPTIONS, spread=spread)


def main() -> None:
    run(command)
