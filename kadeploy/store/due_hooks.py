"""The commands that are due at the ends of operations, until they are known to have been run."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, delete, insert, select

from kadeploy.store.database import Database
from kadeploy.store.tables import DUE_HOOKS


class SqlDueHooks:
    """`ports.store.DueHooks` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, operation_id: str, user: str) -> None:
        await self._database.transact(lambda connection: _add(connection, operation_id, user))

    async def all(self) -> Mapping[str, str]:
        query = select(DUE_HOOKS.c.operation, DUE_HOOKS.c.user).order_by(DUE_HOOKS.c.operation)
        return await self._database.read(lambda connection: {row[0]: row[1] for row in connection.execute(query)})

    async def remove(self, operation_id: str) -> None:
        await self._database.transact(lambda connection: _remove(connection, operation_id))


def _add(connection: Connection, operation_id: str, user: str) -> None:
    _remove(connection, operation_id)
    connection.execute(insert(DUE_HOOKS), {"operation": operation_id, "user": user})


def _remove(connection: Connection, operation_id: str) -> None:
    connection.execute(delete(DUE_HOOKS).where(DUE_HOOKS.c.operation == operation_id))
