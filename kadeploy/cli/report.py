"""What is said and written when an operation is over: who is OK, who is not and why, and what each step cost."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kadeploy.cli.columns import columns
from kadeploy.cli.display import Board
from kadeploy.cli.rows import reasons
from kadeploy.cli.units import clock
from kadeploy.cli.unread import reason
from kadeploy.domain.nodeset import NodeSet
from kadeploy.errors import Faults

OUTPUTS = 5  # nodes whose last output is shown
NODE_LINES = 40  # nodes listed one a line; more are folded


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftFiles:
    """The files of `-o`, `-n` (one name a line) and of the operation's id; made empty before anything is sent."""

    ok: str | None = None
    ko: str | None = None
    wid: str | None = None

    def prepare(self) -> None:
        """Raises Faults when a file cannot be written."""
        faults = []
        for option, path in (("-o", self.ok), ("-n", self.ko), ("--write-workflow-id", self.wid)):
            if path:
                try:
                    Path(path).write_text("", encoding="utf-8")
                except OSError as error:
                    faults.append(f"{option} {path}: cannot be written: {error.strerror or error}")
        if faults:
            raise Faults(faults)

    @property
    def name_nodes(self) -> bool:
        return bool(self.ok or self.ko)

    def tell_wid(self, wid: str) -> None:
        self._note(wid)

    def add_wid(self, wid: str) -> None:
        """One of several, a line each."""
        self._note(f"{wid}\n")

    def _note(self, text: str) -> None:
        """What was launched goes on, also when nobody can read its id there."""
        for fault in _added("--write-workflow-id", self.wid, text):
            print(fault, file=sys.stderr)

    def write(self, ok: NodeSet, ko: NodeSet) -> None:
        """Raises Faults when a file, which could be written before, cannot be any more."""
        faults = [
            fault
            for option, path, nodes in (("-o", self.ok, ok), ("-n", self.ko, ko))
            for fault in _added(option, path, "".join(f"{node}\n" for node in nodes))
        ]
        if faults:
            raise Faults(faults)


def _added(option: str, path: str | None, text: str) -> Iterator[str]:
    """Why it could not be."""
    if path:
        try:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            yield f"{option} {path}: cannot be written: {reason(error)}"


def settled(board: Board, asked: NodeSet) -> tuple[NodeSet, NodeSet]:
    """Nodes that are OK, and all others: one of which nothing more is known is not OK."""
    ok = NodeSet(frozenset(board.ok))
    everybody = board.nodes if board.nodes else asked
    return ok, everybody - ok


def lines(board: Board) -> Iterator[str]:
    """The report for people."""
    if board.steps:
        yield ""
        yield from step_table(board)
    if board.outputs:
        yield ""
        told = NodeSet(frozenset(board.outputs))
        yield from columns(["node", "output"], [(node, board.outputs[node]) for node in told])
    if board.ok:
        yield ""
        yield from _listed("OK", NodeSet(frozenset(board.ok)))
    if board.ko:
        yield ""
        yield f"KO: {len(board.ko)}"
        for nodes, reason in reasons(board):
            yield f"  {nodes}: {' '.join(reason.split())}"
        yield from _last_words(board)
    if board.held:
        yield ""
        yield from _listed("Held", NodeSet(frozenset(board.held)))
    unknown = board.nodes - NodeSet(board.ok | board.ko.keys() | board.held)
    if unknown:
        yield ""
        yield from _listed("Not settled", unknown)


def _last_words(board: Board) -> Iterator[str]:
    """What nodes that failed said last, where the reason does not have it."""
    spoken = [node for node, failure in board.ko.items() if failure.output]
    for node in spoken[:OUTPUTS]:
        yield f"Last output of {node}:"
        yield from (f"  {line}" for line in board.ko[node].output.splitlines())
    if len(spoken) > OUTPUTS:
        yield f"{len(spoken) - OUTPUTS} more nodes have an output: --json tells it"


def _listed(heading: str, nodes: NodeSet) -> Iterator[str]:
    yield f"{heading}: {len(nodes)}"
    yield from (f"  {node}" for node in nodes) if len(nodes) <= NODE_LINES else (f"  {nodes}",)


def step_table(board: Board) -> Iterator[str]:
    """Seconds a micro-step, in the order they were first seen; of several runs, the longest."""
    rows = [
        (step.macro, step.micro, step.runs, step.ok, step.ko, f"{step.longest:.1f}") for step in board.steps.values()
    ]
    numbers = ("runs", "ok", "ko", "seconds")
    yield from columns(["macro-step", "micro-step", *numbers], rows, right=numbers)
    yield f"Elapsed: {clock(board.elapsed)}"


def to_json(board: Board, wid: str, kind: str, *, error: str = "") -> Mapping[str, object]:
    """The report for programs."""
    ended = board.ended
    return {
        "wid": wid,
        "kind": kind,
        "state": str(ended.state) if ended else "held" if board.is_held else "unknown",
        "error": error or (ended.error if ended else ""),
        "seconds": round(board.elapsed, 3),
        "nodes": {
            "ok": list(NodeSet(frozenset(board.ok))),
            "ko": {node: str(board.ko[node]) for node in NodeSet(frozenset(board.ko))},
            "output": {node: failure.output for node, failure in board.ko.items() if failure.output},
            "held": list(NodeSet(frozenset(board.held))),
            "processing": list(board.nodes - NodeSet(board.ok | board.ko.keys() | board.held)),
        },
        "outputs": dict(board.outputs),
        "steps": [
            {
                "macro": step.macro,
                "micro": step.micro,
                "runs": step.runs,
                "ok": step.ok,
                "ko": step.ko,
                "seconds": round(step.longest, 3),
            }
            for step in board.steps.values()
        ],
    }
