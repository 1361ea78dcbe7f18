"""Believing the User header of trusted hosts."""

from __future__ import annotations

from kadeploy.api.auth.credentials import Credentials
from kadeploy.api.auth.whitelist import Whitelist


class Acl:
    """Implements auth.credentials.Scheme."""

    def __init__(self, whitelist: Whitelist) -> None:
        self._whitelist = whitelist

    async def user(self, credentials: Credentials) -> str | None:
        if credentials.user and await self._whitelist.allows(credentials.address):
            return credentials.user
        return None
