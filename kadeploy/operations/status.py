"""The `status` resource's view of a board: per cluster, macro-step and micro-step, who is through, out, or at it.

A node stands once: at its cluster when its work has ended, else at the step it is in (`**`) or has just left.
"""

from __future__ import annotations

from typing import Any

from kadeploy.domain.nodeset import natural_key
from kadeploy.domain.state import Progress
from kadeploy.operations.board import Board, NodeOnBoard

STILL = "**"


def status(board: Board, now: float) -> dict[str, Any]:
    """`{cluster: {macro: {micro: {nodes: {OK, KO, **}, time}}}}`, and `OK`, `KO` of a cluster for its ended nodes."""
    view: dict[str, Any] = {}
    for name in sorted(board.nodes, key=natural_key):
        node = board.nodes[name]
        if node.state.is_final:
            ended = "OK" if node.state is Progress.OK else "KO"
            view.setdefault(node.cluster, {}).setdefault(ended, []).append(name)
        elif node.macro:
            _stand(view.setdefault(node.cluster, {}), name, node, now)
    return view


def _stand(cluster: dict[str, Any], name: str, node: NodeOnBoard, now: float) -> None:
    macro = cluster.setdefault(node.macro + node.instance, {})
    micro = macro.setdefault(node.micro, {"nodes": {"OK": [], "KO": [], STILL: []}, "time": 0})
    micro["nodes"][{None: STILL, True: "OK", False: "KO"}[node.passed]].append(name)
    micro["time"] = max(micro["time"], round(now - node.since))
