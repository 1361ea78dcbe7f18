"""HTTP Basic authentication (RFC 7617) against an htpasswd file. Its no is final."""

from __future__ import annotations

import asyncio
import base64
import binascii

from kadeploy.api.auth.credentials import Credentials
from kadeploy.api.auth.htpasswd import Htpasswd
from kadeploy.api.auth.whitelist import Whitelist
from kadeploy.errors import NotAuthenticated


class Basic:
    """Implements auth.credentials.Scheme. Without a whitelist any host may try."""

    def __init__(self, passwords: Htpasswd, whitelist: Whitelist | None) -> None:
        self._passwords = passwords
        self._whitelist = whitelist

    async def user(self, credentials: Credentials) -> str | None:
        kind, _, encoded = credentials.authorization.partition(" ")
        if kind.lower() != "basic":
            return None
        if self._whitelist is not None and not await self._whitelist.allows(credentials.address):
            raise NotAuthenticated("passwords are not accepted from your host")
        user, password = _decoded(encoded.strip())
        # Kadeploy3's tools send a password typed at the prompt with its newline.
        for attempt in dict.fromkeys((password, password.removesuffix("\n"))):
            if await asyncio.to_thread(self._passwords.accepts, user, attempt):
                return user
        raise NotAuthenticated("user and password do not match")


def _decoded(encoded: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise NotAuthenticated("the Authorization header cannot be read") from error
    user, colon, password = text.partition(":")
    if not colon:
        raise NotAuthenticated("the Authorization header has no password")
    return user, password
