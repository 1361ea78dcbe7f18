"""Tokens that users make for themselves and for their programs: made, listed, revoked, and recognised."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kadeploy.domain.access import Role, Scope
from kadeploy.domain.api_token import ApiToken, hash_of, new_secret, parts, text_of
from kadeploy.errors import Forbidden, InvalidOption, NotAuthenticated, NotFound
from kadeploy.operations.caller import Caller, is_user_name
from kadeploy.ports.clock import Clock
from kadeploy.ports.store import ApiTokens

INVALID: Final = "this token is not valid: it is unknown, has expired or was revoked"
DAY: Final = 86400.0  # seconds
_EXACT: Final = 60.0  # seconds to which a token's last use is known: a tool polls every second
_LONGEST_NAME: Final = 100

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOrder:
    """For whom, what for, and for how many seconds; None is as long as usual."""

    user: str
    name: str = ""
    scope: Scope = Scope.OPERATE
    lifetime: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """Seconds a token lives when nothing is said, and at most."""

    usual: float = 30 * DAY
    longest: float = 366 * DAY


class Tokens:
    """The use case."""

    def __init__(self, tokens: ApiTokens, clock: Clock, lifetimes: Lifetimes) -> None:
        self._tokens = tokens
        self._clock = clock
        self.lifetimes = lifetimes

    async def create(self, caller: Caller, order: TokenOrder) -> tuple[ApiToken, str]:
        """The token, and the text that is shown to the API, which is told this once only."""
        if caller.token:
            raise Forbidden(
                "a token makes no tokens", hint="log in in another way, or have an administrator run kadmin token"
            )
        if order.user != caller.name and not caller.is_administrator:
            raise Forbidden("tokens for others are made by administrators")
        groups = caller.groups if order.user == caller.name else ()
        return await self.make(order, groups=groups)

    async def make(self, order: TokenOrder, *, groups: tuple[str, ...] = ()) -> tuple[ApiToken, str]:
        """For who needs nobody's leave; raises InvalidOption."""
        if not is_user_name(order.user):
            raise InvalidOption(f"user: {order.user!r} is not a user's name")
        if len(order.name) > _LONGEST_NAME or not order.name.isprintable():
            raise InvalidOption(f"name: must be at most {_LONGEST_NAME} printable characters")
        lifetime = self.lifetimes.usual if order.lifetime is None else order.lifetime
        if not 0 < lifetime <= self.lifetimes.longest:
            raise InvalidOption(f"lifetime: must be more than 0 and at most {self.lifetimes.longest / DAY:g} days")
        token_id, secret = new_secret()
        now = self._clock.now()
        token = ApiToken(
            id=token_id,
            user=order.user,
            name=order.name,
            scope=order.scope,
            secret_hash=hash_of(secret),
            created=now,
            expires=now + lifetime,
            groups=groups,
        )
        await self._tokens.add(token)
        log.info("token %s (%s) is made for %s", token.id, token.scope, token.user)
        return token, text_of(token_id, secret)

    async def listed(self, caller: Caller, user: str | None) -> Sequence[ApiToken]:
        """The user's; None is everybody's, which are an administrator's to see."""
        if not caller.is_administrator and user != caller.name:
            raise Forbidden("the tokens of others are for administrators")
        return await self._tokens.of(user)

    async def revoke(self, caller: Caller, token_id: str) -> ApiToken:
        """A token that only reads may revoke itself, and nothing else. Raises NotFound also for others' tokens."""
        token = await self._tokens.get(token_id)
        if token is None or not caller.may_act_for(token.user):
            raise NotFound(f"there is no token {token_id}")
        if token.id != caller.token and caller.scope is not Scope.OPERATE:
            raise Forbidden("a token for reading revokes none but itself")
        await self._tokens.delete(token_id)
        log.info("token %s of %s is revoked by %s", token.id, token.user, caller.name)
        return token

    async def recognise(self, text: str) -> ApiToken:
        """Raises NotAuthenticated, with the same words whatever is wrong."""
        found = parts(text)
        token = await self._tokens.get(found[0]) if found else None
        now = self._clock.now()
        if found is None or token is None or not _is_secret_of(token, found[1]) or token.expires <= now:
            raise NotAuthenticated(INVALID)
        if now - token.used > _EXACT:
            await self._tokens.mark_used(token.id, at=now)
        return token


LOCAL: Final = Caller(name="root", role=Role.ADMIN, scheme="local")
"""Who may read the server's own files, and so needs not be asked who they are."""


def _is_secret_of(token: ApiToken, secret: str) -> bool:
    return hmac.compare_digest(token.secret_hash.encode(), hash_of(secret).encode())
