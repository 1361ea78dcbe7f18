"""An operation as Kadeploy3's tools read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from kadeploy.domain.operation import Operation
from kadeploy.domain.state import OperationState, Progress
from kadeploy.operations.board import Board

_TOLD: Final = {Progress.OK: "ok", Progress.KO: "ko", Progress.ABORTED: "ko"}


Nodes = Mapping[str, Sequence[str]]


class Unread(NamedTuple):
    log: bool = False
    traces: bool = False


def short_view(operation: Operation, *, done: bool) -> dict[str, Any]:
    """For those whose operation it is not."""
    return {**_head(operation, done), "nodes": list(operation.nodes)}


def long_view(operation: Operation, nodes: Nodes, *, done: bool, unread: Unread, now: float) -> dict[str, Any]:
    """For its owner and for administrators. `unread` is what there is to be read."""
    view = {**_head(operation, done), "state": operation.phase}
    if operation.environment is not None:
        view["environment"] = environment_view(operation.environment)
    if operation.state is not OperationState.ERROR:
        view["logs"] = unread.log
        view["debugs"] = unread.traces
        view["nodes"] = nodes
    end = operation.ended if operation.state.is_final else now
    view["time"] = round(max(0.0, end - operation.created), 2)
    return view


def environment_view(environment: Mapping[str, object]) -> dict[str, object]:
    """`id` is -1 for one that is not recorded; nothing else is known by a number here."""
    return {
        "id": 0 if environment.get("recorded") else -1,
        "user": environment.get("user"),
        "name": environment.get("name"),
        "version": environment.get("version"),
    }


def node_states(operation: Operation, board: Board) -> dict[str, Any]:
    """Where each node is; for those that failed, where and why."""
    states: dict[str, Any] = {}
    for name in operation.nodes:
        node = board.nodes.get(name)
        state = node.state if node else operation.outcomes[name].progress if name in operation.outcomes else None
        ok = node is None or state is Progress.OK
        states[name] = {
            "macro": None if ok or node is None else node.macro + node.instance or None,
            "micro": None if ok or node is None else node.micro or None,
            "state": str(state or Progress.PROCESSING),
            "error": None if ok or node is None else node.reason or None,
            "out": (node.output if node else "") or None,
        }
    return states


def _head(operation: Operation, done: bool) -> dict[str, Any]:
    return {
        "wid": operation.id,
        "user": operation.user,
        "done": done,
        "error": operation.state is OperationState.ERROR,
        "start_time": int(operation.created),
    }


def nodes_view(operation: Operation, board: Board, *, done: bool) -> Nodes:
    """Where the nodes are; each list in their order, which is found once: there may be ten thousand."""
    is_over = board.ended is None and operation.state.is_final
    view: dict[str, list[str]] = {"ok": [], "ko": [], "held": [], "processing": []}
    for name in operation.nodes:
        outcome, node = operation.outcomes.get(name), board.nodes.get(name)
        last = outcome.progress if outcome is not None else Progress.PROCESSING
        if is_over:
            view["ok" if last is Progress.OK else "ko"].append(name)
        elif node is not None and node.state in _TOLD:
            view[_TOLD[node.state]].append(name)
        else:
            view["held" if last is Progress.HELD else "processing"].append(name)
    unsaid = {"held"} if not view["held"] else set()
    return {told: names for told, names in view.items() if told not in unsaid | ({"processing"} if done else set())}
