"""What kadeploy, kareboot and kapower have in common: launch an operation, follow it to its end, report.

Whatever happens, the files of -o and -n hold every node once: in the first if the server said that it is OK, else in
the second.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Final, TextIO, cast

from kadeploy.cli import report
from kadeploy.cli.client import Client, Json
from kadeploy.cli.exits import ALL_OK, HELD, INTERRUPTED, NODES_KO, exit_code
from kadeploy.cli.follow import Follower
from kadeploy.cli.launch import Launch, send
from kadeploy.cli.refused import explained
from kadeploy.cli.tool import print_json
from kadeploy.cli.units import plural
from kadeploy.cli.views import choose_view
from kadeploy.cli.waiting import Waiting
from kadeploy.cli.watch import Outcome, watch
from kadeploy.domain.event import OperationEnded
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import OperationKind, OperationState
from kadeploy.errors import KadeployError, Unavailable

NOBODY: Final = NodeSet()
KINDS: Final[Mapping[str, OperationKind]] = {kind.prefix: kind for kind in OperationKind}


@contextmanager
def settling(waiting: Waiting, asked: NodeSet = NOBODY) -> Iterator[Outcome]:
    """An outcome to be filled; the files are made empty first, and written whatever happens."""
    waiting.files.prepare()
    outcome = Outcome()
    try:
        yield outcome
    finally:
        if waiting.wait and not waiting.dry_run:
            waiting.files.write(*report.settled(outcome.board, asked))


def conduct(client: Client, launch: Launch, waiting: Waiting, outcome: Outcome) -> int:
    """Launch, wait, report; the tool's exit code."""
    answer = send(client, launch)
    if isinstance(answer, Mapping) and "wid" in answer:
        return _after_launch(client, launch.kind, answer, waiting, outcome)
    return _tell_plan(answer, waiting)


def attach(client: Client, wid: str, waiting: Waiting, outcome: Outcome) -> int:
    """Follow an operation that was launched elsewhere; Ctrl-C leaves it running."""
    return _wait(client, KINDS[wid[:2]], wid, {}, waiting, outcome, owner=False)


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
    waiting.files.tell_wid(wid)
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
    abort = partial(client.send, "DELETE", resource, {"cancel": True}) if owner else None
    try:
        follow = partial(Follower, connect=connect, settled=settled, patience=waiting.patience)
        watch(outcome, follow, view, abort, partial(_is_held, client, resource))
    except KeyboardInterrupt:
        outcome.interrupted = outcome.left = True
    error = _failure(client, resource, wid, outcome)
    _report(outcome, error, wid, kind, waiting)
    if waiting.script:
        _run_script(waiting.script, stream)
    if error and not waiting.as_json:
        raise error
    if error:
        print(explained(error), file=sys.stderr)
        return exit_code(error)
    return _verdict(outcome)


def _settled(client: Client, wid: str, resource: str) -> OperationEnded | None:
    """The operation's end by its resource, for when the stream ended without it."""
    info = client.get(resource)
    if not isinstance(info, Mapping) or not info.get("done") or info.get("state") == "held":
        return None
    nodes = info.get("nodes")
    nodes = nodes if isinstance(nodes, Mapping) else {}
    ok, ko = (NodeSet(nodes.get(key) or ()) for key in ("ok", "ko"))
    at = float(info.get("start_time") or 0) + float(info.get("time") or 0)
    state = "error" if info.get("error") else str(info.get("state") or "done")
    return OperationEnded(operation=wid, at=at, state=state, ok=str(ok), ko=str(ko))


def _is_held(client: Client, resource: str) -> bool:
    info = client.get(resource)
    return isinstance(info, Mapping) and info.get("state") == "held"


def _failure(client: Client, resource: str, wid: str, outcome: Outcome) -> KadeployError | None:
    """Why the operation, or following it, failed as a whole; what the user interrupted has not failed."""
    if outcome.interrupted:
        return None
    if isinstance(outcome.error, Unavailable):
        return Unavailable(outcome.error.message, hint=f"kadeploy --attach {wid} follows it again")
    ended = outcome.board.ended
    if outcome.error or ended is None or ended.state != OperationState.ERROR:
        return outcome.error
    try:
        answer = client.get(f"{resource}/error")  # answered with the failure's own error, and its number
    except KadeployError as error:
        return error
    return KadeployError(str(answer).strip() or ended.error or "the operation failed")


def _report(outcome: Outcome, error: KadeployError | None, wid: str, kind: OperationKind, waiting: Waiting) -> None:
    board = outcome.board
    if waiting.as_json:
        print_json(report.to_json(board, wid, kind, error=explained(error) if error else ""))
        return
    for line in report.lines(board):
        print(line)
    if outcome.held:
        print(f"\n{wid} is held: kadeploy --resume {wid} goes on, kadeploy --cancel {wid} ends it.")
    elif outcome.left:
        print(f"\n{wid} goes on at the server: kadeploy --attach {wid} follows it again.")
    elif board.ended:
        why = f": {board.ended.error}" if board.ended.error else ""
        print(f"\n{wid} {board.ended.state}: {len(board.ok)} of {plural(len(board.nodes), 'node')} OK{why}")
    sys.stdout.flush()


def _run_script(script: str, stream: TextIO) -> None:
    print(f"\nRunning {script}", file=stream, flush=True)
    try:
        status = subprocess.run([os.path.abspath(script)], check=False, stdout=stream).returncode
    except OSError as error:
        print(f"{script} cannot be run: {error.strerror or error}", file=stream)
        status = -1
    print("Success !" if status == 0 else "Fail !", file=stream)


def _verdict(outcome: Outcome) -> int:
    """0 only if the operation was carried through and every node is OK."""
    board = outcome.board
    if outcome.held:
        return HELD
    if board.ended and board.ended.state == OperationState.DONE:
        return ALL_OK if board.ok and not board.ko else NODES_KO
    return INTERRUPTED if outcome.interrupted else NODES_KO
