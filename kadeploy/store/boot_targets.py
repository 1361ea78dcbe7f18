"""What each node boots when its firmware next asks."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from kadeploy.domain.boot import BootKind, BootTarget
from kadeploy.domain.nodeset import NodeSet
from kadeploy.store.database import Database
from kadeploy.store.tables import BOOT_TARGETS
from kadeploy.store.upsert import upsert


class SqlBootTargets:
    """`ports.store.BootTargets` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get_all(self) -> Mapping[str, BootTarget]:
        query = select(BOOT_TARGETS.c.node, BOOT_TARGETS.c.kind, BOOT_TARGETS.c.params)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {node: BootTarget(kind=BootKind(kind), params=params) for node, kind, params in rows}

    async def set(self, nodes: NodeSet, target: BootTarget) -> None:
        rows = [{"node": node, "kind": target.kind.value, "params": target.params} for node in nodes]
        await self._database.transact(lambda connection: upsert(connection, BOOT_TARGETS, rows))
