"""The API's tokens in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kadeploy.domain.api_token import ApiToken


class MemoryApiTokens:
    """Implements ports.store.ApiTokens."""

    def __init__(self) -> None:
        self.rows: dict[str, ApiToken] = {}

    async def add(self, token: ApiToken) -> None:
        self.rows[token.id] = token

    async def get(self, token_id: str) -> ApiToken | None:
        return self.rows.get(token_id)

    async def of(self, user: str | None = None) -> Sequence[ApiToken]:
        return [token for token in self.rows.values() if user in (None, token.user)]

    async def mark_used(self, token_id: str, *, at: float) -> None:
        self.rows[token_id] = replace(self.rows[token_id], used=at)

    async def delete(self, token_id: str) -> None:
        self.rows.pop(token_id, None)
