"""`kapower`: switch nodes on or off, or ask whether they are on."""

from __future__ import annotations

from typing import Final

from kadeploy.cli.all_faults import check
from kadeploy.cli.client import Client, Json
from kadeploy.cli.custom import CUSTOM, custom_fields
from kadeploy.cli.given import Given
from kadeploy.cli.launch import Launch, common_fields
from kadeploy.cli.operate import operate
from kadeploy.cli.options import NODES, OPERATION, flag, nodes_given, option
from kadeploy.cli.targets import Targets
from kadeploy.cli.tool import make_tool, run
from kadeploy.cli.waiting import Waiting
from kadeploy.domain.power import Level, PowerAction
from kadeploy.domain.state import OperationKind

EXAMPLES: Final = """\
  kapower -m node-[1-3] --status
  kapower -m node-1 --off -l very_hard
  kapower -f nodes --on"""

ACTIONS: Final = {action.value: f"--{action}" for action in PowerAction}
OPTIONS: Final = (
    *NODES,
    flag("--on", help="Switch the nodes on."),
    flag("--off", help="Switch the nodes off."),
    flag("--status", help="Tell whether the nodes are on."),
    option("-l", "--op-level", "force_level", metavar="LEVEL", help="soft, hard (if not given) or very_hard."),
    *CUSTOM,
    *OPERATION,
)


def perform(given: Given) -> int:
    nodes, before = nodes_given(given), len(given.faults)
    action, level = given.exactly_one(ACTIONS), given.text("force_level")
    given.need(level is None or level in list(Level), f"-l {level}: must be {', '.join(Level)}")
    given.need(level is None or action != PowerAction.STATUS, "-l does not go with --status")
    known = len(given.faults) == before
    fields = custom_fields(given)
    given.need(not fields or action != PowerAction.STATUS, "--custom-steps and --variable do not go with --status")
    waiting = Waiting.of(given)

    def launch(client: Client, part: Targets) -> Launch:
        return _launch(given, part, action or "", level, fields)

    if known:  # which action
        check(given, nodes, launch)
    given.check()
    return operate(given, nodes, waiting, launch)


def _launch(given: Given, targets: Targets, action: str, level: str | None, custom: Json) -> Launch:
    """Kadeploy3 asks for a status with GET and a query, and for anything else with PUT and a body."""
    fields = common_fields(given, targets)
    if action == PowerAction.STATUS:
        query: dict[str, str | list[str]] = {
            name: "true" if value is True else str(value) for name, value in fields.items() if name != "nodes"
        }
        return Launch(kind=OperationKind.POWER, query={**query, "nodes": targets.folded})
    body = {"status": action, **({"level": level} if level else {}), **custom, **fields}
    return Launch(kind=OperationKind.POWER, method="PUT", body=body)


ABOUT: Final = """Switch nodes on or off, or ask whether they are on.

Ctrl-C aborts the operation; a second Ctrl-C leaves at once."""

command = make_tool("kapower", perform, about=ABOUT, examples=EXAMPLES, options=OPTIONS)


def main() -> None:
    run(command)
