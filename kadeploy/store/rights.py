"""Who may do what where, and the rule that keeps two users off one node."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, bindparam, delete, insert, select

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.rights import EVERY, Right
from kadeploy.errors import Conflict
from kadeploy.store.database import Database
from kadeploy.store.postgresql import Turn, wait_for
from kadeploy.store.tables import RIGHTS


class SqlRights:
    """`ports.store.Rights` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, user: str | None = None) -> Sequence[Right]:
        held = await self._database.read(lambda connection: _held(connection, user))
        return sorted(held)

    async def grant(self, rights: Sequence[Right], *, overwrite: bool, administrators: frozenset[str]) -> int:
        return await self._database.transact(lambda connection: _grant(connection, rights, overwrite, administrators))

    async def revoke(self, rights: Sequence[Right]) -> int:
        return await self._database.transact(lambda connection: _revoke(connection, rights))


def in_the_way(held: Iterable[Right], wanted: Iterable[Right], administrators: frozenset[str]) -> list[Right]:
    """The held rights that forbid granting the wanted ones, which are all one user's.

    A node is one user's, whatever the partition; administrators do not count. `*` is every node: it stands in
    the way of each, and each of it.
    """
    claims = tuple(wanted)
    users = {claim.user for claim in claims}
    nodes = {claim.node for claim in claims}
    return sorted(
        right
        for right in held
        if right.user not in users | administrators and (right.node in nodes or right.node == EVERY or EVERY in nodes)
    )


def cannot_be_taken(blocking: Iterable[Right], wanted: Iterable[Right]) -> list[Right]:
    """Rights on every node, when single nodes are wanted: one node cannot be taken out of `*`."""
    if any(claim.node == EVERY for claim in wanted):
        return []
    return [right for right in blocking if right.node == EVERY]


def _grant(connection: Connection, rights: Sequence[Right], overwrite: bool, administrators: frozenset[str]) -> int:
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
        _revoke(connection, blocking)
        new += _insert(connection, wanted - held)
    return new


def _held(connection: Connection, user: str | None = None) -> set[Right]:
    query = select(RIGHTS.c.user, RIGHTS.c.node, RIGHTS.c.partition)
    if user is not None:
        query = query.where(RIGHTS.c.user == user)
    return {Right(user=owner, node=node, partition=partition) for owner, node, partition in connection.execute(query)}


def _insert(connection: Connection, rights: set[Right]) -> int:
    if rights:
        rows = [{"user": right.user, "node": right.node, "partition": right.partition} for right in sorted(rights)]
        connection.execute(insert(RIGHTS), rows)
    return len(rights)


def _revoke(connection: Connection, rights: Sequence[Right]) -> int:
    present = sorted(set(rights) & _held(connection)) if rights else []
    if present:
        statement = delete(RIGHTS).where(
            RIGHTS.c.user == bindparam("of_user"),
            RIGHTS.c.node == bindparam("of_node"),
            RIGHTS.c.partition == bindparam("of_partition"),
        )
        rows = [{"of_user": one.user, "of_node": one.node, "of_partition": one.partition} for one in present]
        connection.execute(statement, rows)
    return len(present)


def _conflict(blocking: Sequence[Right], hint: str) -> Conflict:
    parts = []
    for user in sorted({right.user for right in blocking}):
        nodes = {right.node for right in blocking if right.user == user}
        parts.append(f"{user} has every node" if EVERY in nodes else f"{user} has {NodeSet(nodes)}")
    return Conflict(f"some nodes are granted to others: {'; '.join(parts)}", hint=hint)
