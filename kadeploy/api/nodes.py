"""GET /nodes: names, or what was last made of each node."""

from __future__ import annotations

from typing import Any

from kadeploy.api.call import Call
from kadeploy.api.parameters import Parameters, Texts, Toggle, decoded
from kadeploy.operations.nodes import Nodes
from kadeploy.ports.store import NodeRecord


class NodesParameters(Parameters):
    """`list` asks for names only, `groups` for the groups that nodes may be named by."""

    nodes: Texts = ()
    list: Toggle = False
    groups: Toggle = False


class NodesResource:
    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    async def show(self, call: Call) -> object:
        asked = decoded(NodesParameters, call.parameters)
        texts = (call.path["node"],) if "node" in call.path else asked.nodes
        if asked.groups:
            return dict(self._nodes.groups())
        if asked.list:
            return list(self._nodes.names(texts))
        return {name: _view(record) for name, record in (await self._nodes.states(texts)).items()}


def _view(record: NodeRecord | None) -> dict[str, Any] | None:
    if record is None:
        return None
    environment = record.environment or {}
    return {
        "state": str(record.state),
        "user": record.user or None,
        "environment": {key: environment.get(key) for key in ("name", "version", "user")},
    }
