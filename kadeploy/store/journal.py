"""Every event, in the order of its recording.

Numbers grow with time within an operation, since one server at a time runs it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter

import orjson
from sqlalchemy import BigInteger, Select, String, Text, cast, column, insert, select, values

from kadeploy.domain.event import Event, from_json, to_json
from kadeploy.ports.store import BATCH
from kadeploy.store.at_once import rows_at_once
from kadeploy.store.database import Database
from kadeploy.store.tables import JOURNAL


class SqlJournal:
    """`ports.store.Journal` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, events: Sequence[Event]) -> None:
        if not events:
            return
        rows = [{"operation": event.operation, "event": to_json(event)} for event in events]
        await self._database.transact(lambda connection: connection.execute(insert(JOURNAL), rows))

    async def read(self, operation_id: str, *, after: int = 0, limit: int = BATCH) -> Sequence[tuple[int, Event]]:
        query = (
            select(JOURNAL.c.number, JOURNAL.c.event)
            .where(JOURNAL.c.operation == operation_id, JOURNAL.c.number > after)
            .order_by(JOURNAL.c.number)
            .limit(limit)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [(number, from_json(event)) for number, event in rows]

    async def read_each(self, after: Mapping[str, int]) -> Sequence[tuple[int, Event]]:
        query = _above(after)
        rows = await self._database.read(lambda connection: rows_at_once(connection, query))
        return sorted(((number, from_json(orjson.loads(event))) for number, event in rows), key=itemgetter(0))


def _above(after: Mapping[str, int]) -> Select[tuple[int, str]]:
    marks = (
        values(column("operation", String), column("number", BigInteger), name="marks").data(list(after.items())).cte()
    )
    is_above = (JOURNAL.c.operation == marks.c.operation) & (JOURNAL.c.number > marks.c.number)
    return select(JOURNAL.c.number, cast(JOURNAL.c.event, Text)).select_from(marks.join(JOURNAL, is_above))
