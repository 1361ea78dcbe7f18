"""The API's tokens: who reads the database learns none of them, since only their SHA-256 is in it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Row, delete, insert, select, update

from kadeploy.domain.access import Scope
from kadeploy.domain.api_token import ApiToken
from kadeploy.store.database import Database
from kadeploy.store.tables import API_TOKENS


class SqlApiTokens:
    """`ports.store.ApiTokens` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, token: ApiToken) -> None:
        row = {
            "id": token.id,
            "user": token.user,
            "name": token.name,
            "scope": token.scope.value,
            "secret_hash": token.secret_hash,
            "created": token.created,
            "expires": token.expires,
            "used": token.used,
            "groups": list(token.groups),
        }
        await self._database.transact(lambda connection: connection.execute(insert(API_TOKENS), [row]))

    async def get(self, token_id: str) -> ApiToken | None:
        query = select(API_TOKENS).where(API_TOKENS.c.id == token_id)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return None if row is None else _token(row)

    async def of(self, user: str | None = None) -> Sequence[ApiToken]:
        query = select(API_TOKENS).order_by(API_TOKENS.c.created, API_TOKENS.c.id)
        if user is not None:
            query = query.where(API_TOKENS.c.user == user)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [_token(row) for row in rows]

    async def mark_used(self, token_id: str, *, at: float) -> None:
        statement = update(API_TOKENS).where(API_TOKENS.c.id == token_id).values(used=at)
        await self._database.transact(lambda connection: connection.execute(statement))

    async def delete(self, token_id: str) -> None:
        statement = delete(API_TOKENS).where(API_TOKENS.c.id == token_id)
        await self._database.transact(lambda connection: connection.execute(statement))


def _token(row: Row[tuple[object, ...]]) -> ApiToken:
    values = dict(row._mapping)
    return ApiToken(**{**values, "scope": Scope(values["scope"]), "groups": tuple(values["groups"])})
