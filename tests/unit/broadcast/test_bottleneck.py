from __future__ import annotations

import pytest

from kadeploy.broadcast.bottleneck import bottleneck
from kadeploy.broadcast.order import MOVED
from kadeploy.broadcast.reception import Progress

MB = 1_000_000
SIZE = 1000 * MB


def node(
    rank: int, received: int, written: int | None = None, *, blocked: float = 0.0, moved: bool = False
) -> Progress:
    """In MB; fed by the one before."""
    source = "server" if rank == 0 else f"node-{rank}"
    return Progress(
        received=received * MB,
        verified=received * MB,
        written=(received if written is None else written) * MB,
        source=source,
        rate=20.0 * MB,
        rank=rank + (MOVED if moved else 0),
        blocked=blocked,
    )


@pytest.mark.parametrize(
    ("nodes", "named"),
    [
        ([node(0, 500), node(1, 499), node(2, 498)], "link of server"),
        ([node(0, 500), node(1, 300), node(2, 299)], "link from node-1 to node-2"),
        ([node(0, 500), node(1, 495), node(2, 494, 200, blocked=0.9)], "disk of node-3"),
        ([node(0, 1000), node(1, 1000, 400), node(2, 1000)], "disk of node-2"),
        ([node(0, 500), node(1, 50, moved=True), node(2, 499)], "link of server"),
        ([node(0, 1000), node(1, 50, moved=True), node(2, 1000)], "link from node-1 to node-2"),
        ([node(0, 1000), node(1, 1000)], ""),
        ([], ""),
    ],
)
def test_what_is_waited_for_is_named(nodes: list[Progress], named: str) -> None:
    assert bottleneck({f"node-{number}": one for number, one in enumerate(nodes, 1)}, SIZE) == named
