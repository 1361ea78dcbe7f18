"""The live picture of an operation as JSON. Times are seconds since the epoch, by the server's clock (`now`)."""

from __future__ import annotations

from dataclasses import asdict, fields
from operator import attrgetter
from typing import Any, Final

from kadeploy.domain.nodeset import natural_key
from kadeploy.domain.operation import Operation
from kadeploy.operations.board import Board, NodeOnBoard
from kadeploy.operations.timings import timings

_FIELDS: Final = tuple(one.name for one in fields(NodeOnBoard))
_VALUES: Final = attrgetter(*_FIELDS)


def board_view(operation: Operation, board: Board, now: float) -> dict[str, Any]:
    """`number` is that of the last event in it: whoever follows the events after it misses nothing."""
    until = now if board.ended is None else board.ended
    return {
        "operation": operation.id,
        "kind": str(operation.kind),
        "user": operation.user,
        "state": str(board.state),
        "error": board.error,
        "number": board.number,
        "now": now,
        "started": board.started or operation.created,
        "ended": board.ended,
        "clusters": {cluster: str(nodes) for cluster, nodes in board.clusters.items()},
        "nodes": {name: _node(board.nodes[name]) for name in sorted(board.nodes, key=natural_key)},
        "steps": [{**asdict(step), "seconds": step.seconds(until)} for step in board.steps],
        "timings": [asdict(timing) for timing in timings(board.steps, until)],
        "said": [{"at": at, "what": what} for at, what in board.said],
    }


def _node(node: NodeOnBoard) -> dict[str, Any]:
    """Not `asdict`, which copies deeply and takes a tenth of a second for ten thousand nodes."""
    return dict(zip(_FIELDS, _VALUES(node), strict=True))
