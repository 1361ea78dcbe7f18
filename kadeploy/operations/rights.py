"""Granting, listing and revoking rights: the administrators' affair."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kadeploy.domain.access import Access
from kadeploy.domain.rights import EVERY, Right
from kadeploy.errors import Forbidden, InvalidOption, NotFound, NothingModified
from kadeploy.operations.caller import Caller, is_user_name
from kadeploy.operations.permission import Permission
from kadeploy.operations.selection import Selection
from kadeploy.ports.engine import Engine
from kadeploy.ports.store import Operations
from kadeploy.ports.store import Rights as RightStore

_DEVICE: Final = re.compile(r"/dev/[A-Za-z0-9._:+/-]+\Z")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RightsOrder:
    """Whose rights, where. No nodes and no partitions mean all of them."""

    user: str
    nodes: tuple[str, ...] = ()
    partitions: tuple[str, ...] = ()
    overwrite: bool = False


class Rights:
    """The use case."""

    def __init__(
        self,
        *,
        rights: RightStore,
        selection: Selection,
        permission: Permission,
        operations: Operations,
        engine: Engine,
        administrators: frozenset[str],
    ) -> None:
        self._rights = rights
        self._selection = selection
        self._permission = permission
        self._operations = operations
        self._engine = engine
        self._administrators = administrators

    async def held(self, caller: Caller, user: str | None, nodes: Sequence[str]) -> Sequence[Right]:
        """A user's or everybody's, on those nodes; raises NotFound when a named user has none."""
        if not caller.has(Access.OVERSEE):
            raise Forbidden("rights are shown to operators and administrators")
        held = await self._rights.of(user)
        if nodes:
            wanted = self._named(nodes)
            held = [right for right in held if right.node in wanted]
        if user is not None and not held:
            raise NotFound(f"{user} has no rights{' there' if nodes else ''}")
        return held

    async def grant(self, caller: Caller, order: RightsOrder) -> Sequence[Right]:
        """Every right that was asked for; raises Conflict, and NothingModified when all were held before."""
        _refuse_others(caller)
        if not is_user_name(order.user):
            raise InvalidOption(f"username: {order.user!r} is not a user's name")
        rights = [
            Right(user=order.user, node=node, partition=partition)
            for node in sorted(self._named(order.nodes) if order.nodes else {EVERY})
            for partition in _partitions(order.partitions) or (EVERY,)
        ]
        new = await self._rights.grant(rights, overwrite=order.overwrite, administrators=self._administrators)
        if not new:
            raise NothingModified(f"{order.user} has these rights already")
        log.info("%s grants %s %d rights", caller.name, order.user, new)
        return rights

    async def revoke(self, caller: Caller, order: RightsOrder) -> Sequence[Right]:
        """Those that were taken; what the user runs on nodes where nothing is left is aborted."""
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
        await self._rights.revoke(taken)
        log.info("%s takes %d rights from %s", caller.name, len(taken), order.user)
        await self._abort_without_rights(order.user, caller.name)
        return taken

    async def _abort_without_rights(self, user: str, by: str) -> None:
        for operation_id in (*await self._operations.running(), *await self._operations.queued()):
            operation = await self._operations.get(operation_id)
            if operation.user == user and (lost := await self._permission.lacking(user, operation.nodes)):
                log.info("%s is aborted: %s has no right on %s any more", operation_id, user, lost)
                await self._engine.abort(operation_id, by=by, why=f"{user} has no right on {lost} any more")

    def _named(self, nodes: Sequence[str]) -> set[str]:
        """Full names; `*` is a name of its own."""
        named = [text for text in nodes if text != EVERY]
        return set(self._selection.resolve(named) if named else ()) | ({EVERY} if len(named) < len(nodes) else set())


def _partitions(texts: Sequence[str]) -> tuple[str, ...]:
    wrong = [text for text in texts if text != EVERY and not _DEVICE.match(text)]
    if wrong:
        raise InvalidOption(f"partitions: {', '.join(wrong)}: must be a device such as /dev/sda3, or *")
    return tuple(dict.fromkeys(texts))


def _refuse_others(caller: Caller) -> None:
    if not caller.is_administrator:
        raise Forbidden("rights are administered by administrators")
