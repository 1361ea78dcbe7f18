"""What was last made of each node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, func, select

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import NodeState
from kadeploy.ports.store import NodeRecord
from kadeploy.store.database import Database
from kadeploy.store.tables import NODES
from kadeploy.store.upsert import upsert

_FEW: Final = 500  # names that are worth naming in a query; for more, the whole table is read


class SqlNodes:
    """`ports.store.Nodes` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, nodes: NodeSet) -> Mapping[str, NodeRecord]:
        return await self._database.read(lambda connection: _get(connection, nodes))

    async def set(self, nodes: NodeSet, record: NodeRecord) -> None:
        row: dict[str, Any] = {
            "state": record.state.value,
            "user": record.user,
            "at": record.at,
            "environment": None if record.environment is None else dict(record.environment),
        }
        rows = [{"node": node, **row} for node in nodes]
        await self._database.transact(lambda connection: upsert(connection, NODES, rows))

    async def counts(self) -> Mapping[NodeState, int]:
        return await self._database.read(_counts)


def _counts(connection: Connection) -> dict[NodeState, int]:
    query = select(NODES.c.state, func.count()).group_by(NODES.c.state)
    return {NodeState(state): count for state, count in connection.execute(query)}


def _get(connection: Connection, nodes: NodeSet) -> dict[str, NodeRecord]:
    query = select(NODES)
    if len(nodes) <= _FEW:
        query = query.where(NODES.c.node.in_(nodes.names))
    return {row["node"]: _record(row) for row in connection.execute(query).mappings() if row["node"] in nodes}


def _record(row: RowMapping) -> NodeRecord:
    return NodeRecord(state=NodeState(row["state"]), user=row["user"], at=row["at"], environment=row["environment"])
