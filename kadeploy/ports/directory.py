"""Directory: what this machine's system knows of users and groups."""

from __future__ import annotations

from typing import Protocol


class Directory(Protocol):
    async def groups_of(self, user: str) -> frozenset[str]:
        """The names of all groups the user is in; none for a user that the system does not know."""
        ...
