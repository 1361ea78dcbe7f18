"""The live picture of an operation as JSON. Times are seconds since the epoch, by the server's clock (`now`)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from kadeploy.domain.nodeset import natural_key
from kadeploy.domain.operation import Head
from kadeploy.operations.board import Board
from kadeploy.operations.timings import timings


def board_view(operation: Head, board: Board, now: float) -> dict[str, Any]:
    """`number` is that of the last event in it: whoever follows the events after it misses nothing. The nodes are those
    of the board itself, which is written as JSON at once: ten thousand copies take long."""
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
        "nodes": {name: board.nodes[name] for name in sorted(board.nodes, key=natural_key)},
        "steps": [{**asdict(step), "seconds": step.seconds(until)} for step in board.steps],
        "timings": [asdict(timing) for timing in timings(board.steps, until)],
        "said": [{"at": at, "what": what} for at, what in board.said],
    }
