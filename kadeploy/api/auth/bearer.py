"""Bearer tokens (RFC 6750): those this server made, told by how they begin, and those of an OpenID Connect issuer."""

from __future__ import annotations

from kadeploy.api.auth.credentials import Credentials, Identity
from kadeploy.api.auth.oidc import AccessTokens
from kadeploy.domain.api_token import PREFIX
from kadeploy.errors import NotAuthenticated
from kadeploy.operations.tokens import INVALID, Tokens


class Bearer:
    """Implements auth.credentials.Scheme. `issued` reads the issuer's tokens, if there is an issuer."""

    def __init__(self, tokens: Tokens, issued: AccessTokens | None) -> None:
        self._tokens = tokens
        self._issued = issued

    async def identify(self, credentials: Credentials) -> Identity | None:
        text = credentials.shown("Bearer")
        if text is None:
            return None
        if text.startswith(PREFIX):
            token = await self._tokens.recognise(text)
            return Identity(user=token.user, scheme="token", scope=token.scope, groups=token.groups, token=token.id)
        if self._issued is None:
            raise NotAuthenticated(INVALID)
        return await self._issued.read(text)
