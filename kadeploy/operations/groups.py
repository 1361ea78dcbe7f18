"""Who is in which group or project, for the rights that groups have.

From three places, which add up: the configuration, the token that the user showed, and the server's own system.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kadeploy.ports.directory import Directory


class Groups:
    """`members` are the configuration's users of each group; a `system` is asked if it `counts`."""

    def __init__(
        self, members: Mapping[str, Iterable[str]], system: Directory | None = None, *, counts: bool = True
    ) -> None:
        self._system = system
        self.adopt(members, counts=counts)

    def adopt(self, members: Mapping[str, Iterable[str]], *, counts: bool) -> None:
        """From now on."""
        self._counts = counts
        self._members = {group: frozenset(users) for group, users in members.items()}

    async def of(self, user: str, shown: Iterable[str] = ()) -> frozenset[str]:
        """`shown` are the groups that the user's token names."""
        configured = {group for group, users in self._members.items() if user in users}
        system = await self._system.groups_of(user) if self._system is not None and self._counts else frozenset[str]()
        return frozenset(shown) | configured | system
