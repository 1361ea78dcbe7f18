"""What requests with a key were answered, for as long as somebody may repeat them."""

from __future__ import annotations

import json

from sqlalchemy import Connection, delete, select

from kadeploy.domain.operation import Once
from kadeploy.ports.store import KeptAnswer
from kadeploy.store.database import Database
from kadeploy.store.tables import ANSWERS
from kadeploy.store.upsert import upsert


class SqlAnswers:
    """`ports.store.Answers` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, user: str, key: str) -> KeptAnswer | None:
        query = select(ANSWERS).where(ANSWERS.c.user == user, ANSWERS.c.once_key == key)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        if row is None:
            return None
        once = Once(key=row.once_key, digest=row.once_digest)
        return KeptAnswer(user=row.user, once=once, at=row.at, answer=json.loads(row.answer))

    async def keep(self, answer: KeptAnswer, *, forget_before: float) -> None:
        row = {
            "user": answer.user,
            "once_key": answer.once.key,
            "once_digest": answer.once.digest,
            "at": answer.at,
            "answer": json.dumps(answer.answer, default=str),
        }

        def work(connection: Connection) -> None:
            connection.execute(delete(ANSWERS).where(ANSWERS.c.at < forget_before))
            upsert(connection, ANSWERS, [row])

        await self._database.transact(work)
