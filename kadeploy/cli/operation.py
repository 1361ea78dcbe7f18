"""What kadeploy, kareboot and kapower have in common: launch an operation, follow it to its end, report.

Whatever happens, the files of -o and -n hold every node once: in the first if the server said that it is OK, else in
the second.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, cast

from kadeploy.cli import report
from kadeploy.cli.client import AnswerLost, Client, Json, Query
from kadeploy.cli.exits import ALL_OK, INTERRUPTED, NODES_KO
from kadeploy.cli.follow import PATIENCE, Follower
from kadeploy.cli.given import Given
from kadeploy.cli.lines import USUAL
from kadeploy.cli.report import NodeFiles
from kadeploy.cli.tool import print_json
from kadeploy.cli.units import plural
from kadeploy.cli.views import choose_view
from kadeploy.cli.watch import Outcome, watch
from kadeploy.domain.event import OperationEnded
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import OperationKind
from kadeploy.errors import KadeployError, Unavailable

KINDS: Final[Mapping[str, OperationKind]] = {kind.prefix: kind for kind in OperationKind}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How to wait and what to leave behind."""

    files: NodeFiles = field(default_factory=NodeFiles)
    script: str | None = None
    level: int = USUAL
    wid_file: str | None = None
    wait: bool = True
    as_json: bool = False
    patience: float = PATIENCE

    @classmethod
    def of(cls, given: Given) -> Waiting:
        ok, ko, script = given.text("ok_file"), given.text("ko_file"), given.text("script")
        wait = given.flag("wait")
        given.need(ok is None or ok != ko, f"-o and -n name the same file, {ok}")
        given.need(wait or not (ok or ko), "-o and -n need --wait")
        given.need(wait or not script, "-s needs --wait")
        given.need(not script or os.access(script, os.X_OK), f"-s {script}: cannot be run")
        level = given.number("level", "-V", least=1, most=5)
        patience = given.number("patience", "--patience", least=0)
        return cls(
            files=NodeFiles(ok=ok, ko=ko),
            script=script,
            level=level or USUAL,
            wid_file=given.text("wid_file"),
            wait=wait,
            as_json=given.flag("as_json"),
            patience=PATIENCE if patience is None else patience,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """The request that starts an operation: with a body, or, as Kadeploy3 wants it of a power status, a query."""

    kind: OperationKind
    nodes: NodeSet
    method: str = "POST"
    body: Json = field(default_factory=dict)
    query: Query | None = None


def common_fields(given: Given, nodes: NodeSet) -> dict[str, object]:
    """The fields every launch may have; only what was asked for is sent."""
    wanted: dict[str, object] = {name: True for name in ("force", "dry_run") if given.flag(name)}
    if (level := given.text("level")) and level.isdecimal():
        wanted["verbose_level"] = int(level)
    return {**wanted, "nodes": list(nodes)}


def conduct(client: Client, launch: Launch, waiting: Waiting) -> int:
    """Launch, wait, report; the tool's exit code."""
    waiting.files.prepare()
    outcome = Outcome()
    try:
        answer = _launch(client, launch)
        if isinstance(answer, Mapping) and "wid" in answer:
            return _after_launch(client, launch.kind, answer, waiting, outcome)
        return _tell_plan(answer, waiting)
    finally:
        if waiting.wait:
            waiting.files.write(*report.settled(outcome.board, launch.nodes))


def attach(client: Client, wid: str, waiting: Waiting) -> int:
    """Follow an operation that was launched elsewhere; Ctrl-C leaves it running."""
    waiting.files.prepare()
    outcome = Outcome()
    try:
        return _wait(client, KINDS[wid[:2]], wid, {}, waiting, outcome, owner=False)
    finally:
        waiting.files.write(*report.settled(outcome.board, NodeSet()))


def _launch(client: Client, launch: Launch) -> object:
    try:
        if launch.query is not None:
            return client.get(f"/{launch.kind}", launch.query)
        return client.send(launch.method, f"/{launch.kind}/", launch.body)
    except AnswerLost as error:
        letter = {"deployment": "d", "reboot": "r", "power": "p"}[launch.kind]
        hint = f"whether the operation was launched is not known: kanodes -{letter} shows it"
        raise Unavailable(error.message, hint=hint) from error


def _tell_plan(answer: object, waiting: Waiting) -> int:
    """A dry run's answer: `text` is the plan for people, the whole is for programs."""
    if waiting.as_json:
        print_json(answer)
    else:
        text = answer.get("text", "") if isinstance(answer, Mapping) else answer
        print(str(text).strip() or "Everything is in order; nothing was done.")
    return ALL_OK


def _after_launch(client: Client, kind: OperationKind, answer: Json, waiting: Waiting, outcome: Outcome) -> int:
    wid = str(answer["wid"])
    resources = cast(Json, answer.get("resources") or {})
    if waiting.wid_file:
        Path(waiting.wid_file).write_text(wid, encoding="utf-8")
    if not waiting.wait:
        if waiting.as_json:
            print_json(answer)
        else:
            print(f"{wid} {resources.get('resource', f'/{kind}/{wid}/')}")
        return ALL_OK
    return _wait(client, kind, wid, resources, waiting, outcome, owner=True)


def _wait(
    client: Client, kind: OperationKind, wid: str, resources: Json, waiting: Waiting, outcome: Outcome, *, owner: bool
) -> int:
    resource = str(resources.get("resource", f"/{kind}/{wid}")).rstrip("/")
    stream = sys.stderr if waiting.as_json else sys.stdout
    print(f"{wid} {'launched' if owner else 'is followed; Ctrl-C leaves it running'}", file=stream, flush=True)
    view = choose_view(stream, level=waiting.level, skew=client.skew)
    connect = partial(client.events, str(resources.get("events", f"{resource}/events")))
    settled = partial(_settled, client, wid, resource)
    abort = partial(client.send, "DELETE", resource, {}) if owner else None
    try:
        watch(outcome, partial(Follower, connect=connect, settled=settled, patience=waiting.patience), view, abort)
    except KeyboardInterrupt:
        outcome.interrupted = outcome.left = True
    _report(outcome, wid, kind, waiting)
    _run_script(waiting.script)
    return _verdict(client, resource, outcome, wid)


def _settled(client: Client, wid: str, resource: str) -> OperationEnded | None:
    """The operation's end by its resource, for when the stream ended without it."""
    info = client.get(resource)
    if not isinstance(info, Mapping) or not info.get("done"):
        return None
    nodes = info.get("nodes")
    nodes = nodes if isinstance(nodes, Mapping) else {}
    ok, ko = (NodeSet(nodes.get(key) or ()) for key in ("ok", "ko"))
    at = float(info.get("start_time") or 0) + float(info.get("time") or 0)
    state = "error" if info.get("error") else str(info.get("state") or "done")
    return OperationEnded(operation=wid, at=at, state=state, ok=str(ok), ko=str(ko))


def _report(outcome: Outcome, wid: str, kind: OperationKind, waiting: Waiting) -> None:
    board = outcome.board
    if waiting.as_json:
        print_json(report.to_json(board, wid, kind))
        return
    for line in report.lines(board):
        print(line)
    if outcome.left:
        print(f"\n{wid} goes on at the server: kadeploy --attach {wid} follows it again.")
    elif board.ended:
        error = f": {board.ended.error}" if board.ended.error else ""
        nodes = plural(len(board.nodes), "node")
        print(f"\n{wid} {board.ended.state}: {len(board.ok)} of {nodes} OK{error}")
    sys.stdout.flush()


def _run_script(script: str | None) -> None:
    if script:
        print(f"\nRunning {script}", flush=True)
        status = subprocess.run([os.path.abspath(script)], check=False).returncode
        print("Success !" if status == 0 else "Fail !")


def _verdict(client: Client, resource: str, outcome: Outcome, wid: str) -> int:
    """0 only if the operation was carried through and every node is OK."""
    board = outcome.board
    if outcome.error:
        if not outcome.interrupted:
            hint = f"kadeploy --attach {wid} follows it again" if isinstance(outcome.error, Unavailable) else None
            raise type(outcome.error)(outcome.error.message, hint=hint) if hint else outcome.error
        return INTERRUPTED
    if board.ended and board.ended.state == "error":
        _raise_error(client, resource)
    if board.ended and board.ended.state == "done":
        return ALL_OK if board.ok and not board.ko else NODES_KO
    return INTERRUPTED if outcome.interrupted else NODES_KO


def _raise_error(client: Client, resource: str) -> None:
    """The server answers the failure's own error there, with its number."""
    answer = client.get(f"{resource}/error")
    if isinstance(answer, str) and answer.strip():
        raise KadeployError(answer.strip())
