"""An operation as Kadeploy3's tools read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from kadeploy.domain.operation import Head, Operation
from kadeploy.domain.state import OperationState, Progress
from kadeploy.operations.board import Board

_TOLD: Final = {
    Progress.OK: "ok",
    Progress.KO: "ko",
    Progress.ABORTED: "ko",
    Progress.HELD: "held",
    Progress.PROCESSING: "processing",
}


Nodes = Mapping[str, Sequence[str]]


class Unread(NamedTuple):
    log: bool = False
    traces: bool = False


def short_view(operation: Head, names: Sequence[str], *, done: bool) -> dict[str, Any]:
    """For those whose operation it is not."""
    return {**_head(operation, done), "nodes": names}


def long_view(operation: Head, nodes: Nodes, *, unread: Unread, now: float) -> dict[str, Any]:
    """For its owner and for administrators. `unread` is what there is to be read."""
    done = is_done(operation, nodes)
    view = {**_head(operation, done), "state": "held" if _is_held(operation, nodes) else str(operation.state)}
    if operation.environment is not None:
        view["environment"] = environment_view(operation.environment)
    if operation.state is not OperationState.ERROR:
        unsaid = {"held", "processing"} if done else {"held"}  # unless there are some
        view["logs"] = unread.log
        view["debugs"] = unread.traces
        view["nodes"] = {told: names for told, names in nodes.items() if names or told not in unsaid}
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


def is_done(operation: Head, nodes: Nodes) -> bool:
    """Whether it has ended. Held nodes go no further either, for all that Kadeploy3's tools know: they would wait for
    ever."""
    return operation.state.is_final or _is_held(operation, nodes)


def _is_held(operation: Head, nodes: Nodes) -> bool:
    return operation.state is OperationState.RUNNING and bool(nodes["held"]) and not nodes["processing"]


def _head(operation: Head, done: bool) -> dict[str, Any]:
    return {
        "wid": operation.id,
        "user": operation.user,
        "done": done,
        "error": operation.state is OperationState.ERROR,
        "start_time": int(operation.created),
    }


def nodes_now(names: Iterable[str], board: Board) -> Nodes:
    """Where the nodes of an operation are that goes on; each list in their order."""
    view: dict[str, list[str]] = {"ok": [], "ko": [], "held": [], "processing": []}
    for name in names:
        node = board.nodes.get(name)
        view[_TOLD[node.state] if node is not None else "processing"].append(name)
    return view


def nodes_at_the_end(operation: Operation) -> Nodes:
    ok = operation.having(Progress.OK)
    return {"ok": list(ok), "ko": list(operation.nodes - ok), "held": [], "processing": []}
