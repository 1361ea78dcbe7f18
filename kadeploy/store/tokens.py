"""The agents' tokens: who reads the database learns none of them, since only their SHA-256 is in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from sqlalchemy import select

from kadeploy.ports.store import IssuedToken
from kadeploy.store.database import Database
from kadeploy.store.tables import AGENT_TOKENS
from kadeploy.store.upsert import upsert

_HASH: Final = re.compile(r"[0-9a-f]{64}\Z")


class SqlTokens:
    """`ports.store.Tokens` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def issue(self, node: str, *, at: float, token_hash: str) -> None:
        if not _HASH.match(token_hash):
            raise ValueError("a token's SHA-256 in hexadecimal is recorded, not the token")
        rows = [{"node": node, "token_hash": token_hash, "issued_at": at}]
        await self._database.transact(lambda connection: upsert(connection, AGENT_TOKENS, rows))

    async def current(self, node: str) -> IssuedToken | None:
        query = select(AGENT_TOKENS).where(AGENT_TOKENS.c.node == node)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else IssuedToken(token_hash=row.token_hash, issued_at=row.issued_at)

    async def all(self) -> Mapping[str, IssuedToken]:
        rows = await self._database.read(lambda connection: connection.execute(select(AGENT_TOKENS)).all())
        return {row.node: IssuedToken(token_hash=row.token_hash, issued_at=row.issued_at) for row in rows}
