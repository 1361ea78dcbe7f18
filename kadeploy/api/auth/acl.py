"""Believing the User header of trusted hosts: whoever is root there, or can send from there, can be anybody."""

from __future__ import annotations

from kadeploy.api.auth.credentials import Credentials, Identity
from kadeploy.api.auth.whitelist import Whitelist


class Acl:
    """Implements auth.credentials.Scheme."""

    def __init__(self, whitelist: Whitelist) -> None:
        self._whitelist = whitelist

    async def identify(self, credentials: Credentials) -> Identity | None:
        if credentials.user and await self._whitelist.allows(credentials.address):
            return Identity(user=credentials.user, scheme="acl")
        return None
