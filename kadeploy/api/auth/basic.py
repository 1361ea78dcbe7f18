"""HTTP Basic authentication (RFC 7617) against an htpasswd file. Its no is final, and does not say what was wrong."""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import Final

from kadeploy.api.auth.credentials import Credentials, Identity
from kadeploy.api.auth.failures import FailureLimit
from kadeploy.api.auth.htpasswd import Htpasswd
from kadeploy.api.auth.whitelist import Whitelist
from kadeploy.errors import NotAuthenticated

_AT_ONCE: Final = 2  # passwords checked at the same time: each costs a processor a tenth of a second


class Basic:
    """Implements auth.credentials.Scheme. Without a whitelist any host may try."""

    def __init__(self, passwords: Htpasswd, whitelist: Whitelist | None, failures: FailureLimit) -> None:
        self._passwords = passwords
        self._whitelist = whitelist
        self._failures = failures
        self._turn = asyncio.Semaphore(_AT_ONCE)

    async def identify(self, credentials: Credentials) -> Identity | None:
        encoded = credentials.shown("Basic")
        if encoded is None:
            return None
        if self._whitelist is not None and not await self._whitelist.allows(credentials.address):
            raise NotAuthenticated("passwords are not accepted from your host")
        user, password = _decoded(encoded)
        async with self._turn:
            self._failures.check(credentials.address, user)
            # Kadeploy3's tools send a password typed at the prompt with its newline.
            for attempt in dict.fromkeys((password.removesuffix("\n"), password)):
                if await asyncio.to_thread(self._passwords.accepts, user, attempt):
                    return Identity(user=user, scheme="password")
        raise NotAuthenticated("user and password do not match")


def claimed_user(credentials: Credentials) -> str:
    """Whose password a request claims to know; empty for none."""
    try:
        return _decoded(credentials.shown("Basic") or "")[0]
    except NotAuthenticated:
        return ""


def _decoded(encoded: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise NotAuthenticated("the Authorization header cannot be read") from error
    user, colon, password = text.partition(":")
    if not colon:
        raise NotAuthenticated("the Authorization header has no password")
    return user, password
