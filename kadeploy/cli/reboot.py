"""`kareboot`: reboot nodes, into what they run or into the minimal environment."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from kadeploy.cli.given import Given
from kadeploy.cli.launch import Launch, common_fields
from kadeploy.cli.operation import conduct, settling
from kadeploy.cli.options import CLASSICAL_TIMEOUT, KEY, NODES, OPERATION, nodes_given, option, timeout_field
from kadeploy.cli.sshkeys import key_fields
from kadeploy.cli.tool import connected, make_tool, run
from kadeploy.cli.waiting import Waiting
from kadeploy.domain.power import Level
from kadeploy.domain.state import OperationKind

SIMPLE: Final = "simple"
DEPLOY_ENV: Final = "deploy_env"

EXAMPLES: Final = """\
  kareboot -m node-[1-3]
  kareboot -m node-1 -l hard
  kareboot -m node-1 -r deploy_env -k"""

OPTIONS: Final = (
    *NODES,
    option(
        "-r",
        "--reboot-kind",
        "kind",
        metavar="KIND",
        help=f"{SIMPLE}: what the node boots anyway (if not given); {DEPLOY_ENV}: the minimal environment.",
    ),
    option("-l", "--op-level", "force_level", metavar="LEVEL", help="soft (if not given), hard or very_hard."),
    KEY,
    CLASSICAL_TIMEOUT,
    *OPERATION,
)


def perform(given: Given) -> int:
    nodes = nodes_given(given)
    kind, level = given.text("kind") or SIMPLE, given.text("force_level")
    given.need(kind in (SIMPLE, DEPLOY_ENV), f"-r {kind}: must be {SIMPLE} or {DEPLOY_ENV}")
    given.need(level is None or level in list(Level), f"-l {level}: must be {', '.join(Level)}")
    given.need(given.text("key") is None or kind == DEPLOY_ENV, f"-k goes with -r {DEPLOY_ENV} only")
    fields: dict[str, object] = {"kind": kind, **({"level": level} if level else {})}
    fields |= given.tried(lambda: key_fields(given.text("key"), Path.home())) or {}
    fields |= timeout_field(given, "classical_timeout", "--reboot-classical-timeout", "timeout_reboot_classical")
    waiting = Waiting.of(given)
    given.check()
    body = {**fields, **common_fields(given, nodes)}
    with settling(waiting, nodes) as outcome, connected(given) as client:
        return conduct(client, Launch(kind=OperationKind.REBOOT, body=body), waiting, outcome)


ABOUT: Final = """Reboot nodes, and wait until they are up again.

Ctrl-C aborts the operation; a second Ctrl-C leaves at once."""

command = make_tool("kareboot", perform, about=ABOUT, examples=EXAMPLES, options=OPTIONS)


def main() -> None:
    run(command)
