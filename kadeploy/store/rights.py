"""Who may do what where and when, and the rule that keeps two users off one node."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import partial

from sqlalchemy import Connection, bindparam, delete, insert, select

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.rights import EVERY, NO_END, Right, cannot_be_taken, in_the_way, left_before, replaced
from kadeploy.errors import Conflict
from kadeploy.store.database import Database
from kadeploy.store.postgresql import Turn, wait_for
from kadeploy.store.tables import RIGHTS


class SqlRights:
    """`ports.store.Rights` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, *users: str) -> Sequence[Right]:
        held = await self._database.read(lambda connection: _held(connection, users))
        return sorted(held)

    async def grant(
        self, rights: Sequence[Right], *, overwrite: bool, administrators: frozenset[str], dry_run: bool = False
    ) -> int:
        grant = partial(_grant, rights=rights, overwrite=overwrite, administrators=administrators, dry_run=dry_run)
        return await self._database.transact(grant)

    async def revoke(self, rights: Sequence[Right]) -> int:
        return await self._database.transact(lambda connection: _revoke(connection, rights))

    async def expire(self, at: float) -> Sequence[Right]:
        return await self._database.transact(lambda connection: _expire(connection, at))


def _grant(
    connection: Connection, *, rights: Sequence[Right], overwrite: bool, administrators: frozenset[str], dry_run: bool
) -> int:
    wait_for(connection, Turn.GRANTING)
    new = 0
    for user in sorted({right.user for right in rights}):
        wanted = {right for right in rights if right.user == user}
        held = _held(connection)
        blocking = in_the_way(held, wanted, administrators)
        if blocking and not overwrite:
            raise _conflict(blocking, "revoke theirs first, or overwrite them")
        if stuck := cannot_be_taken(blocking, wanted):
            raise _conflict(stuck, "one node cannot be taken out of every node: revoke that right first")
        new += len(wanted - held)
        if not dry_run:
            _revoke(connection, [*blocking, *replaced(held, wanted - held)])
            _insert(connection, left_before(blocking, min(right.since for right in wanted)))
            _insert(connection, wanted - held)
    return new


def _held(connection: Connection, users: Sequence[str] = ()) -> set[Right]:
    query = select(RIGHTS.c.user, RIGHTS.c.node, RIGHTS.c.partition, RIGHTS.c.since, RIGHTS.c.until)
    if users:
        query = query.where(RIGHTS.c.user.in_(users))
    return {_right(*row) for row in connection.execute(query)}


def _right(user: str, node: str, partition: str, since: float, until: float | None) -> Right:
    return Right(user=user, node=node, partition=partition, since=since, until=NO_END if until is None else until)


def _insert(connection: Connection, rights: Iterable[Right]) -> None:
    rows = [
        {
            "user": right.user,
            "node": right.node,
            "partition": right.partition,
            "since": right.since,
            "until": None if math.isinf(right.until) else right.until,
        }
        for right in sorted(rights)
    ]
    if rows:
        connection.execute(insert(RIGHTS), rows)


def _revoke(connection: Connection, rights: Sequence[Right]) -> int:
    present = sorted(set(rights) & _held(connection)) if rights else []
    if present:
        statement = delete(RIGHTS).where(
            RIGHTS.c.user == bindparam("of_user"),
            RIGHTS.c.node == bindparam("of_node"),
            RIGHTS.c.partition == bindparam("of_partition"),
            RIGHTS.c.since == bindparam("from_then"),
        )
        rows = [
            {"of_user": one.user, "of_node": one.node, "of_partition": one.partition, "from_then": one.since}
            for one in present
        ]
        connection.execute(statement, rows)
    return len(present)


def _expire(connection: Connection, at: float) -> Sequence[Right]:
    ended = sorted(right for right in _held(connection) if right.until <= at)
    if ended:
        connection.execute(delete(RIGHTS).where(RIGHTS.c.until <= at))
    return ended


def _conflict(blocking: Sequence[Right], hint: str) -> Conflict:
    parts = []
    for user in sorted({right.user for right in blocking}):
        nodes = {right.node for right in blocking if right.user == user}
        parts.append(f"{user} has every node" if EVERY in nodes else f"{user} has {NodeSet(nodes)}")
    return Conflict(f"some nodes are granted to others: {'; '.join(parts)}", hint=hint)
