"""The API's tokens in the database."""

from __future__ import annotations

import asyncio

from kadeploy.domain.access import Scope
from kadeploy.domain.api_token import ApiToken
from kadeploy.store.api_tokens import SqlApiTokens
from kadeploy.store.database import Database


def a_token(token_id: str, user: str = "alice", created: float = 1.0) -> ApiToken:
    return ApiToken(
        id=token_id,
        user=user,
        name="ci",
        scope=Scope.READ,
        secret_hash="0" * 64,
        created=created,
        expires=created + 5.5,
        groups=("a", "b"),
    )


def test_tokens_are_kept_found_used_and_deleted(database: Database) -> None:
    tokens = SqlApiTokens(database)

    async def story() -> None:
        one, two, other = a_token("1", created=2.0), a_token("2", created=1.0), a_token("3", "bob", 3.0)
        for token in (one, two, other):
            await tokens.add(token)
        assert await tokens.get("1") == one
        assert await tokens.get("4") is None
        assert await tokens.of("alice") == [two, one]
        assert await tokens.of() == [two, one, other]
        await tokens.mark_used("1", at=9.25)
        found = await tokens.get("1")
        assert found is not None
        assert found.used == 9.25
        await tokens.delete("1")
        await tokens.delete("1")
        assert await tokens.get("1") is None

    asyncio.run(story())
