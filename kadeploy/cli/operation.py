"""What kadeploy, kareboot and kapower have in common: launch an operation, follow it to its end, report.

Whatever happens, the files of -o and -n hold every node once: in the first if the server said that it is OK, else in
the second.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final, TextIO, cast

from kadeploy.cli import report
from kadeploy.cli.client import Client, Json
from kadeploy.cli.exits import ALL_OK, HELD, INTERRUPTED, NODES_KO, exit_code
from kadeploy.cli.launch import Launch, send
from kadeploy.cli.launched import Launched
from kadeploy.cli.refused import explained
from kadeploy.cli.tool import print_json
from kadeploy.cli.units import plural
from kadeploy.cli.unread import reason
from kadeploy.cli.views import choose_view
from kadeploy.cli.waiting import Waiting
from kadeploy.cli.watch import Outcome, watch
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import OperationKind, OperationState
from kadeploy.errors import KadeployError

NOBODY: Final = NodeSet()
KINDS: Final[Mapping[str, OperationKind]] = {kind.prefix: kind for kind in OperationKind}


@contextmanager
def settling(waiting: Waiting, asked: NodeSet = NOBODY) -> Iterator[Outcome]:
    """An outcome to be filled; the files are made empty first, and written whatever happens."""
    waiting.files.prepare()
    outcome = Outcome(asked=asked)
    try:
        yield outcome
    finally:
        if waiting.settles:
            waiting.files.write(*report.settled(outcome.board, outcome.asked))


def conduct(client: Client, launch: Launch, waiting: Waiting, outcome: Outcome) -> int:
    """Launch, wait, report; the tool's exit code."""
    answer = send(client, launch)
    if isinstance(answer, Mapping) and "wid" in answer:
        return _after_launch(client, launch.kind, answer, waiting, outcome)
    return _tell_plan(answer, waiting)


def attach(client: Client, wid: str, waiting: Waiting, outcome: Outcome) -> int:
    """Follow an operation that was launched elsewhere; Ctrl-C leaves it running. Raises Refused."""
    launched = Launched(client=client, kind=KINDS[wid[:2]], wid=wid)
    launched.look_up()
    return _wait(launched, waiting, outcome, owner=False)


def _tell_plan(answer: object, waiting: Waiting) -> int:
    if waiting.as_json:
        print_json(answer)
    else:
        print(plan_text(answer))
    return ALL_OK


def plan_text(answer: object) -> str:
    """A dry run's answer: `text` is the plan for people, the whole is for programs."""
    text = answer.get("text", "") if isinstance(answer, Mapping) else answer
    return str(text).strip() or "Everything is in order; nothing was done."


def _after_launch(client: Client, kind: OperationKind, answer: Json, waiting: Waiting, outcome: Outcome) -> int:
    wid = str(answer["wid"])
    resources = cast(Json, answer.get("resources") or {})
    waiting.files.tell_wid(wid)
    launched = Launched(client=client, kind=kind, wid=wid, resources=resources)
    if not waiting.wait:
        if waiting.as_json:
            print_json(answer)
        else:
            print(f"{wid} {resources.get('resource', f'/{kind}/{wid}/')}")
        return ALL_OK
    return _wait(launched, waiting, outcome, owner=True)


def _wait(launched: Launched, waiting: Waiting, outcome: Outcome, *, owner: bool) -> int:
    stream, wid = sys.stderr if waiting.as_json else sys.stdout, launched.wid
    try:
        print(f"{wid} {'launched' if owner else 'is followed; Ctrl-C leaves it running'}", file=stream, flush=True)
        view = choose_view(stream, level=waiting.level, skew=launched.client.skew, color=waiting.color)
        if view.is_live or sys.stdin.isatty():  # where somebody sees it, or may ask
            outcome.board.expected = launched.expected()
        abort = launched.abort if owner and not waiting.leaves else None
        watch(outcome, launched.follower(waiting.patience), view, abort, launched.is_held)
    except KeyboardInterrupt:
        outcome.interrupted = outcome.left = True
    except (OSError, SystemExit) as unheard:
        tell_left(wid, unheard)
        raise
    error = launched.failure(outcome)
    if not (outcome.left or outcome.error):
        tell_traces(launched, waiting)
    _report(outcome, error, wid, launched.kind, waiting)
    if waiting.script:
        run_script(waiting.script, stream)
    if error and not waiting.as_json:
        raise error
    if error:
        print(explained(error), file=sys.stderr)
        return exit_code(error)
    return verdict(outcome, waiting)


def tell_left(wid: str, why: OSError | SystemExit, prefix: str = "") -> None:
    """Said where errors go, when nobody hears what is told of an operation any more, or the tool is to end."""
    unheard = f", unheard ({reason(why)})" if isinstance(why, OSError) else ""
    with suppress(OSError):  # a terminal that was closed takes nothing
        print(
            f"{prefix}{wid} goes on at the server{unheard}: kadeploy --attach {wid} follows it again", file=sys.stderr
        )


def tell_traces(launched: Launched, waiting: Waiting) -> None:
    """With -d, what was said on the nodes."""
    if waiting.traces is None:
        return
    try:
        told = launched.traces()
    except KadeployError as error:
        print(f"the traces cannot be had: {explained(error)}", file=sys.stderr)
        return
    if told.strip():
        waiting.traces(told)


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


def run_script(script: str, stream: TextIO) -> None:
    print(f"\nRunning {script}", file=stream, flush=True)
    try:
        status = subprocess.run([os.path.abspath(script)], check=False, stdout=stream).returncode
    except OSError as error:
        print(f"{script} cannot be run: {error.strerror or error}", file=stream)
        status = -1
    print("Success !" if status == 0 else "Fail !", file=stream)


def verdict(outcome: Outcome, waiting: Waiting) -> int:
    """0 only if the operation was carried through and every node is OK, or the old way is wanted."""
    board = outcome.board
    if outcome.held:
        code = HELD
    elif board.ended and board.ended.state == OperationState.DONE:
        code = ALL_OK if board.ok and not board.ko else NODES_KO
    else:
        code = INTERRUPTED if outcome.interrupted else NODES_KO
    return ALL_OK if waiting.exit_zero and code in (HELD, NODES_KO) else code
