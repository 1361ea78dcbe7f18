"""Simulated nodes in a file, so that they outlive the process that they were simulated in, as real ones do."""

from __future__ import annotations

import asyncio
import pickle
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from kadeploy.ports.presence import System
from kadeploy.testing.clock import JumpingLoop
from kadeploy.testing.cluster import SimulatedCluster
from kadeploy.testing.nodes import SimulatedNode

_OF_THE_PROCESS: Final = {"clock", "timing", "arrived", "booting", "serial", "random", "_login"}
_KEPT: Final = tuple(one.name for one in fields(SimulatedNode) if one.name not in _OF_THE_PROCESS)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frozen:
    """`comes` is what boots, and when (seconds of the loop's clock)."""

    values: dict[str, Any]
    drawn: Any
    comes: tuple[float, System] | None


def freeze(cluster: SimulatedCluster, path: Path) -> None:
    nodes = {name: _frozen(node) for name, node in cluster.nodes.items()}
    path.write_bytes(pickle.dumps((asyncio.get_running_loop().time(), nodes)))


def thaw(cluster: SimulatedCluster, path: Path) -> None:
    """Nodes and the clock are as they were."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, JumpingLoop)
    now, nodes = pickle.loads(path.read_bytes())
    loop.jump(now - loop.time())
    for name, frozen in nodes.items():
        node = cluster.nodes[name]
        for field, value in frozen.values.items():
            setattr(node, field, value)
        node.random.setstate(frozen.drawn)
        if frozen.comes is not None:
            when, system = frozen.comes
            node.booting, node.coming = loop.call_at(when, node.up, system), system


def _frozen(node: SimulatedNode) -> _Frozen:
    comes = (node.booting.when(), node.coming) if node.booting is not None and node.coming is not None else None
    return _Frozen(values={name: getattr(node, name) for name in _KEPT}, drawn=node.random.getstate(), comes=comes)
