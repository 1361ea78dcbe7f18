"""Access tokens of an OpenID Connect issuer (RFC 9068): signed by its keys, for this server, and not expired.

The algorithms are the configuration's, never the token's choice, and only such with a public key (RFC 8725, 3.1).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import jwt
from jwt.exceptions import PyJWTError

from kadeploy.api.auth.credentials import Identity
from kadeploy.api.auth.jwks import IssuerKeys
from kadeploy.config.authentication import Oidc
from kadeploy.errors import NotAuthenticated

_LONGEST: Final = 16 * 1024  # characters of a token
_REFUSED: Final = "this access token is not valid"


class AccessTokens:
    """What the issuer's tokens say."""

    def __init__(self, oidc: Oidc, keys: IssuerKeys) -> None:
        self._oidc = oidc
        self._keys = keys

    async def read(self, text: str) -> Identity:
        """Raises NotAuthenticated with what is wrong, which its owner can read in the token anyway."""
        if len(text) > _LONGEST:
            raise NotAuthenticated(_REFUSED)
        try:
            header = jwt.get_unverified_header(text)
            if header.get("alg") not in self._oidc.algorithms:
                raise NotAuthenticated(f"{_REFUSED}: it is not signed as it must be")
            name = header.get("kid")
            key = await self._keys.key(name if isinstance(name, str) else None)
            if key is None:
                raise NotAuthenticated(f"{_REFUSED}: it is not signed by a key of {self._oidc.issuer}")
            claims = jwt.decode(
                text,
                key=key,
                algorithms=list(self._oidc.algorithms),
                issuer=self._oidc.issuer,
                audience=list(self._oidc.audience),
                leeway=self._oidc.leeway,
                options={"require": ["exp", "iss", "aud", self._oidc.user_claim]},
            )
        except PyJWTError as error:
            raise NotAuthenticated(f"{_REFUSED}: {str(error)[:200]}") from error
        return self._identity(claims)

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        user = claims[self._oidc.user_claim]
        if not isinstance(user, str) or not user:
            raise NotAuthenticated(f"{_REFUSED}: its {self._oidc.user_claim} is no name")
        return Identity(user=user, scheme="oidc", groups=_groups(claims.get(self._oidc.groups_claim)))


def _groups(claim: object) -> tuple[str, ...]:
    """A list of names, or names with spaces between."""
    if isinstance(claim, str):
        return tuple(claim.split())
    return tuple(name for name in claim if isinstance(name, str)) if isinstance(claim, list) else ()
