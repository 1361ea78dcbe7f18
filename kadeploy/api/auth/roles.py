"""Who has which role: the configuration's users and groups, the highest first."""

from __future__ import annotations

from collections.abc import Sequence

from kadeploy.config.authentication import Roles
from kadeploy.domain.access import Role


class RoleBook:
    """`administrators` are Kadeploy3's almighty users."""

    def __init__(self, roles: Roles, administrators: frozenset[str]) -> None:
        self._administrators = administrators
        self._held = [(role, frozenset(who.users), frozenset(who.groups)) for role, who in roles.members()]
        self._default = None if roles.default == "none" else Role(roles.default)

    def role_of(self, user: str, groups: Sequence[str] = ()) -> Role | None:
        """None for somebody who has none."""
        if user in self._administrators:
            return Role.ADMIN
        for role, users, of_groups in self._held:
            if user in users or of_groups.intersection(groups):
                return role
        return self._default
