"""Rights in memory, by the same rule as the real store's."""

from __future__ import annotations

from collections.abc import Sequence

from kadeploy.domain.rights import Right, cannot_be_taken, in_the_way, left_before, replaced
from kadeploy.errors import Conflict


class MemoryRights:
    """Implements ports.store.Rights."""

    def __init__(self) -> None:
        self.held: set[Right] = set()

    async def of(self, *users: str) -> Sequence[Right]:
        return sorted(right for right in self.held if not users or right.user in users)

    async def grant(
        self, rights: Sequence[Right], *, overwrite: bool, administrators: frozenset[str], dry_run: bool = False
    ) -> int:
        new = 0
        for user in sorted({right.user for right in rights}):
            wanted = {right for right in rights if right.user == user}
            blocking = in_the_way(self.held, wanted, administrators)
            if blocking and (not overwrite or cannot_be_taken(blocking, wanted)):
                raise Conflict(f"some nodes are granted to others: {blocking}")
            added = wanted - self.held
            new += len(added)
            if not dry_run:
                self.held -= {*blocking, *replaced(self.held, added)}
                self.held |= {*left_before(blocking, min(right.since for right in wanted)), *added}
        return new

    async def revoke(self, rights: Sequence[Right]) -> int:
        present = self.held & set(rights)
        self.held -= present
        return len(present)

    async def expire(self, at: float) -> Sequence[Right]:
        ended = sorted(right for right in self.held if right.until <= at)
        self.held -= set(ended)
        return ended
