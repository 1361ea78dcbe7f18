"""What can be done to an operation that was launched before: follow it, let it go on, cancel it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import click

from kadeploy.cli.client import Client, segment
from kadeploy.cli.company import of_strangers
from kadeploy.cli.every_server import at_its_server
from kadeploy.cli.exits import ALL_OK
from kadeploy.cli.given import Given
from kadeploy.cli.operation import KINDS, attach, settling
from kadeploy.cli.options import nodes_given, option
from kadeploy.cli.refused import Refused
from kadeploy.cli.targets import Targets
from kadeploy.cli.tool import connected, print_json
from kadeploy.cli.waiting import Waiting
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import OperationState
from kadeploy.errors import NothingModified

CONTROL: Final = (
    option("--attach", metavar="ID", help="Follow an operation that runs already; Ctrl-C leaves it running."),
    option("--resume", metavar="ID", help="Let nodes go on that are held at a breakpoint, and follow them."),
    option("--cancel", metavar="ID", help="End an operation; with -m or -f, for these nodes only."),
)
ACTS: Final = ("attach", "resume", "cancel")
ENDED: Final = (OperationState.DONE, OperationState.ERROR)


FOLLOWING: Final = ("ok_file", "ko_file", "script", "level", "debug", "exit_zero", "patience")
FRIENDS: Final[Mapping[str, tuple[str, ...]]] = {
    "attach": ("attach", *FOLLOWING),
    "resume": ("resume", "wait", "on_interrupt", *FOLLOWING),
    "cancel": ("cancel", "machines", "files"),
}


def act(given: Given, options: Sequence[click.Parameter]) -> int | None:
    """Do what was asked of an operation that exists; None when nothing was. The other `options` are for launches."""
    asked = {name: wid for name in ACTS if (wid := given.text(name)) is not None}
    if not asked:
        return None
    given.need(len(asked) == 1, f"{', '.join(f'--{name}' for name in asked)} exclude each other")
    for name, wid in asked.items():
        given.need(wid[:2] in KINDS, f"--{name} {wid}: not an operation's id, which begins with {', '.join(KINDS)}")
    name, wid = next(iter(asked.items()))
    of_strangers(given, options, friends=(*FRIENDS[name], *ACTS), to=f"--{name}")
    given.need(not given.flag("dry_run"), f"--dry-run does not go with --{name}")
    return _cancel(given, wid) if name == "cancel" else _follow(given, wid, resume=name == "resume")


def _follow(given: Given, wid: str, *, resume: bool) -> int:
    waiting = Waiting.of(given)
    given.check()
    with settling(waiting) as outcome, connected(at_its_server(given, _resource(wid))) as client:
        if resume:
            answer = client.send("POST", f"{_resource(wid)}/resume", {})
            _tell(given, answer, f"{_nodes(answer)} of {wid} goes on")
            if not waiting.wait:
                return ALL_OK
        return attach(client, wid, waiting, outcome)


def _cancel(given: Given, wid: str) -> int:
    some = given.texts("machines") or given.texts("files")
    targets = nodes_given(given) if some else Targets()
    given.check()
    with connected(at_its_server(given, _resource(wid))) as client:
        if targets:
            return _withdraw(given, client, wid, targets)
        answer = client.send("DELETE", _resource(wid), {"cancel": True})
        told = client.get(_resource(wid))
        state = told.get("state") if isinstance(told, Mapping) else None
        if state in ENDED:
            said = f"Nothing was modified -- {wid} had ended already: it is {state}"
            raise Refused(said, status=NothingModified.status, code=NothingModified.code)
        _tell(given, answer, f"{wid} is cancelled")
    return ALL_OK


def _withdraw(given: Given, client: Client, wid: str, targets: Targets) -> int:
    answer = client.send("DELETE", f"{_resource(wid)}/nodes", {"nodes": targets.listed})
    _tell(given, answer, f"{wid} is cancelled for {_nodes(answer)}")
    return ALL_OK


def _resource(wid: str) -> str:
    return f"/{KINDS[wid[:2]]}/{segment(wid)}"


def _nodes(answer: object) -> NodeSet:
    named = answer.get("nodes") if isinstance(answer, Mapping) else None
    return NodeSet(named or ())


def _tell(given: Given, answer: object, text: str) -> None:
    """With --json the report of what is followed comes last, alone."""
    if given.flag("as_json"):
        if given.text("cancel") is not None or not given.flag("wait"):
            print_json(answer)
    else:
        print(text, flush=True)
