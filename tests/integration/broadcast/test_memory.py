"""What a node keeps of an image that is larger than the memory it may use, by its system's own account."""

from __future__ import annotations

from pathlib import Path

from kadeploy.broadcast.manifest import manifest_of
from kadeploy.broadcast.sink import SinkKind, SinkOrder
from kadeploy.broadcast.source import Head
from kadeploy.testing.chain import give_orders, relays, started

SIZE = 128 << 20
WINDOW = 16 << 20
MORE = 24 << 20  # bytes beside it: threads, their buffers, and what Python keeps


def test_no_more_than_the_window_is_in_memory(tmp_path: Path) -> None:
    """The first node's consumer takes nothing until it is let."""
    file, freed = tmp_path / "image", tmp_path / "freed"
    with file.open("wb") as image:
        image.truncate(SIZE)
    script = f"until [ -e {freed} ]; do sleep 0.05; done; exec cat >/dev/null"
    held = SinkOrder(kind=SinkKind.COMMAND, commands=(("sh", "-c", script),))
    with relays(2) as nodes, started(Head(file, manifest_of(file), host="127.0.0.1")) as head:
        before = nodes[0].most_memory()
        sinks = {"node-1": held, "node-2": SinkOrder(kind=SinkKind.NONE)}
        give_orders(head, nodes, sinks.__getitem__, spool_limit=WINDOW, slow_share=0.0)
        nodes[0].wait_progress(lambda one: one.blocked > 0.3)
        assert WINDOW // 2 < nodes[0].most_memory() - before < WINDOW + MORE
        freed.touch()
        outcomes = [node.outcome() for node in nodes]
    assert [outcome and outcome.reason for outcome in outcomes] == [None] * 2
