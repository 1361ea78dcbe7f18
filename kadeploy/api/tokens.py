"""One's own tokens, and who the server takes one for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, cast

from pydantic import BeforeValidator, Field

from kadeploy.api.call import Call
from kadeploy.api.parameters import Parameters, Toggle, decoded
from kadeploy.domain.access import Scope
from kadeploy.domain.api_token import ApiToken
from kadeploy.operations.tokens import TokenOrder, Tokens


def _number(value: object) -> object:
    return None if value == "" else value


class CreateParameters(Parameters):
    """`lifetime` is in seconds; `user` is for administrators."""

    name: str = ""
    scope: Scope = Scope.OPERATE
    lifetime: Annotated[float | None, BeforeValidator(_number), Field(gt=0, allow_inf_nan=False)] = None
    user: str = ""


class ListParameters(Parameters):
    """`user` and `all` are for administrators."""

    user: str = ""
    all: Toggle = False


class TokensResource:
    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def whoami(self, call: Call) -> object:
        caller = call.caller
        return {
            "user": caller.name,
            "role": str(caller.role),
            "scope": str(caller.scope),
            "scheme": caller.scheme,
            "token": caller.token or None,
            "groups": list(caller.groups),
        }

    async def create(self, call: Call) -> object:
        """The only answer with the token itself."""
        asked = decoded(CreateParameters, call.parameters)
        order = TokenOrder(
            user=asked.user or call.caller.name, name=asked.name, scope=asked.scope, lifetime=asked.lifetime
        )
        token, text = await self._tokens.create(call.caller, order)
        return {**view(token), "token": text}

    async def listed(self, call: Call) -> object:
        asked = decoded(ListParameters, call.parameters)
        user = None if asked.all else asked.user or call.caller.name
        return [view(token) for token in await self._tokens.listed(call.caller, user)]

    async def revoke(self, call: Call) -> object:
        return view(await self._tokens.revoke(call.caller, call.path["id"]))


def made_token(call: Call, said: object) -> str:
    """For the audit log, in the words of `kadmin token create`."""
    made = cast(Mapping[str, object], said)
    return f"{made['id']} ({made['scope']}) for {made['user']}"


def view(token: ApiToken) -> dict[str, Any]:
    """Times in seconds since the epoch; `used` is null for never."""
    return {
        "id": token.id,
        "user": token.user,
        "name": token.name,
        "scope": str(token.scope),
        "created": token.created,
        "expires": token.expires,
        "used": token.used or None,
    }
