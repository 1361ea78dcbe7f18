"""Who asks: the user that authentication named, and what they are to this server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from kadeploy.domain.access import OF_ROLE, OF_SCOPE, Access, Role, Scope

_USER: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,63}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """`scheme` says how the user was known, `token` with which of the server's own tokens, `address` from where.

    No role gives rights on nodes.
    """

    name: str
    role: Role = Role.USER
    scope: Scope = Scope.OPERATE
    groups: tuple[str, ...] = ()
    scheme: str = ""
    token: str = ""
    address: str = ""

    @property
    def is_administrator(self) -> bool:
        return self.role is Role.ADMIN

    def has(self, access: Access) -> bool:
        """Whether both the user's role and what they showed to prove who they are allow it."""
        return access in OF_ROLE[self.role] and access in OF_SCOPE[self.scope]

    def may_act_for(self, user: str) -> bool:
        """Change what is the user's."""
        return self.is_administrator or self.name == user

    def may_oversee(self, user: str) -> bool:
        """See the user's operations whole, and abort them."""
        return self.role in (Role.ADMIN, Role.OPERATOR) or self.name == user


def is_user_name(text: str) -> bool:
    """At most 64 letters, digits and `_.@+-`, as in names of mail and of systems."""
    return _USER.match(text) is not None
