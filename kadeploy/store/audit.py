"""The audit log. There is no way here to change or remove a row, and the table's triggers refuse the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from itertools import islice
from typing import Final

from sqlalchemy import Connection, insert, select

from kadeploy.domain.audit import AuditEntry
from kadeploy.domain.nodeset import NodeSet
from kadeploy.errors import KadeployError
from kadeploy.store.database import Database
from kadeploy.store.tables import AUDIT

_NAMES: Final = tuple(field.name for field in fields(AuditEntry))
_PAGE: Final = 1000  # rows of one query


class SqlAudit:
    """`ports.store.Audit` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, entry: AuditEntry) -> None:
        await self._database.transact(lambda connection: connection.execute(insert(AUDIT), [asdict(entry)]))

    async def read(
        self, *, user: str | None = None, since: float = 0.0, node: str | None = None, limit: int = 1000
    ) -> Sequence[AuditEntry]:
        def work(connection: Connection) -> list[AuditEntry]:
            fitting = (one for one in _newest_first(connection, user, since) if node is None or _concerns(one, node))
            return list(islice(fitting, limit))[::-1]

        return await self._database.read(work)


def _newest_first(connection: Connection, user: str | None, since: float) -> Iterator[AuditEntry]:
    """In pages, since a node, which is folded into text, can only be looked for row by row."""
    query = select(AUDIT).where(AUDIT.c.at >= since).order_by(AUDIT.c.number.desc()).limit(_PAGE)
    if user is not None:
        query = query.where(AUDIT.c.user == user)
    rows = connection.execute(query).all()
    while rows:
        for row in rows:
            yield AuditEntry(**{name: row._mapping[name] for name in _NAMES})
        rows = connection.execute(query.where(AUDIT.c.number < rows[-1].number)).all()


def _concerns(entry: AuditEntry, node: str) -> bool:
    try:
        return bool(entry.nodes) and node in NodeSet.parse(entry.nodes)
    except KadeployError:
        return node in entry.nodes  # what was refused as no list of nodes
