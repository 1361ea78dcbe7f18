"""Granting, listing and revoking rights: the administrators' affair."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kadeploy.domain.access import Access
from kadeploy.domain.rights import EVERY, GROUP, NO_END, Right
from kadeploy.errors import ConflictingOptions, Forbidden, InvalidOption, NotFound, NothingModified
from kadeploy.operations.caller import Caller, is_user_name
from kadeploy.operations.lost_rights import LostRights
from kadeploy.operations.selection import Selection
from kadeploy.ports.clock import Clock
from kadeploy.ports.store import Rights as RightStore

_DEVICE: Final = re.compile(r"/dev/[A-Za-z0-9._:+/-]+\Z")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsOrder:
    """Whose rights, where and when. No nodes and no partitions mean all of them.

    `user` is a user, or a group with `@` in front. `since` and `until` are in seconds since the epoch; `lasts` is in
    seconds from the beginning, which is now when `since` is not given.
    """

    user: str
    nodes: tuple[str, ...] = ()
    partitions: tuple[str, ...] = ()
    overwrite: bool = False
    since: float | None = None
    until: float | None = None
    lasts: float | None = None


class Rights:
    """The use case. `lost` ends what nobody has a right to any more."""

    def __init__(
        self,
        *,
        rights: RightStore,
        selection: Selection,
        lost: LostRights,
        administrators: frozenset[str],
        clock: Clock,
    ) -> None:
        self._rights = rights
        self._selection = selection
        self._lost = lost
        self.administrators = administrators
        self._clock = clock

    async def held(self, caller: Caller, user: str | None, nodes: Sequence[str]) -> Sequence[Right]:
        """A user's, a group's or everybody's, on those nodes, also those to come; one's own are everybody's to see.

        Raises NotFound when a named user has none.
        """
        if not caller.has(Access.OVERSEE) and user != caller.name:
            raise Forbidden("the rights of others are shown to operators and administrators")
        now = self._clock.now()
        held = [right for right in await self._rights.of(*([user] if user else [])) if right.until > now]
        if nodes:
            wanted = self._named(nodes)
            held = [right for right in held if right.node in wanted]
        if user is not None and not held:
            raise NotFound(f"{user} has no rights{' there' if nodes else ''}")
        return held

    async def grant(self, caller: Caller, order: RightsOrder, *, dry_run: bool = False) -> Sequence[Right]:
        """Every right that was asked for; raises Conflict, and NothingModified when all were held before.

        Who loses a right by it, loses what runs there.
        """
        _refuse_others(caller)
        name = order.user.removeprefix(GROUP)
        if not is_user_name(name):
            kind = "group" if name != order.user else "user"
            raise InvalidOption(f"username: {name!r} is not a {kind}'s name")
        since, until = self._time(order)
        rights = [
            Right(user=order.user, node=node, partition=partition, since=since, until=until)
            for node in sorted(self._named(order.nodes) if order.nodes else {EVERY})
            for partition in _partitions(order.partitions) or (EVERY,)
        ]
        await self._rights.expire(self._clock.now())
        new = await self._rights.grant(
            rights, overwrite=order.overwrite, administrators=self.administrators, dry_run=dry_run
        )
        if not new:
            raise NothingModified(f"{order.user} has these rights already")
        if dry_run:
            return rights
        log.info("%s grants %s %d rights", caller.name, order.user, new)
        await self._lost.apply(by=caller.name)
        return rights

    async def revoke(self, caller: Caller, order: RightsOrder, *, dry_run: bool = False) -> Sequence[Right]:
        """Those that were taken; what the user runs on nodes where nothing is left ends there."""
        _refuse_others(caller)
        nodes = self._named(order.nodes) if order.nodes else None
        partitions = _partitions(order.partitions)
        taken = [
            right
            for right in await self._rights.of(order.user)
            if (nodes is None or right.node in nodes) and (not partitions or right.partition in partitions)
        ]
        if not taken:
            raise NothingModified(f"{order.user} has no such rights")
        if dry_run:
            return taken
        await self._rights.revoke(taken)
        log.info("%s takes %d rights from %s", caller.name, len(taken), order.user)
        await self._lost.apply(by=caller.name)
        return taken

    def _time(self, order: RightsOrder) -> tuple[float, float]:
        """From when until when; raises InvalidOption and ConflictingOptions."""
        now = self._clock.now()
        if order.until is not None and order.lasts is not None:
            raise ConflictingOptions("until and for both say when the right ends: give one of them")
        if order.lasts is not None and order.lasts <= 0:
            raise InvalidOption("for: must be more than no time")
        since = order.since if order.since is not None and order.since > now else 0.0
        until = NO_END if order.until is None else order.until
        if order.lasts is not None:
            until = (order.since if order.since is not None else now) + order.lasts
        if until <= max(now, since):
            raise InvalidOption("until: must be later than from, and than now: this right would have ended already")
        return since, until

    def _named(self, nodes: Sequence[str]) -> set[str]:
        """Full names; `*` is a name of its own."""
        named = [text for text in nodes if text != EVERY]
        return set(self._selection.resolve(named) if named else ()) | ({EVERY} if len(named) < len(nodes) else set())


def _partitions(texts: Sequence[str]) -> tuple[str, ...]:
    wrong = [text for text in texts if text != EVERY and not _DEVICE.match(text)]
    if wrong:
        raise InvalidOption(f"partitions: {', '.join(map(repr, wrong))}: must be a device such as /dev/sda3, or *")
    return tuple(dict.fromkeys(texts))


def _refuse_others(caller: Caller) -> None:
    if not caller.is_administrator:
        raise Forbidden("rights are administered by administrators")
