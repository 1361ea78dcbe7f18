"""One operation a node: who holds nodes, who has been waiting for them, and taking them, inside the transaction that
records the operation.

The nodes that an operation wants are those of its outcomes that have not come to their end. Writers come one after the
other (SQLite's write lock, a turn on PostgreSQL), so that the loser of a race is told who won; the table's key on the
node would stop it even so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, Row, Select, delete, insert, literal, select

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import OperationState, Progress
from kadeploy.errors import Conflict
from kadeploy.store.tables import LOCKS, OPERATIONS, OUTCOMES

UNFINISHED = tuple(progress.value for progress in Progress if not progress.is_final)
Holders = Mapping[tuple[str, str], NodeSet]
"""Nodes by the operation that has them, and its user."""


def holders(connection: Connection, operation_id: str) -> Holders:
    """Of the nodes that this operation wants, those that others hold."""
    query = (
        select(LOCKS.c.operation, OPERATIONS.c.user, LOCKS.c.node)
        .join(OPERATIONS, OPERATIONS.c.id == LOCKS.c.operation)
        .where(LOCKS.c.node.in_(_wanted(operation_id)), LOCKS.c.operation != operation_id)
        .order_by(OPERATIONS.c.created, OPERATIONS.c.id)
    )
    return _grouped(connection.execute(query))


def waiting_before(connection: Connection, operation_id: str) -> Holders:
    """Of the nodes that this operation wants, those that queued operations have been waiting for."""
    query = (
        select(OUTCOMES.c.operation, OPERATIONS.c.user, OUTCOMES.c.node)
        .join(OPERATIONS, OPERATIONS.c.id == OUTCOMES.c.operation)
        .where(
            OPERATIONS.c.state == OperationState.QUEUED.value,
            OUTCOMES.c.operation != operation_id,
            OUTCOMES.c.progress.in_(UNFINISHED),
            OUTCOMES.c.node.in_(_wanted(operation_id)),
        )
        .order_by(OPERATIONS.c.created, OPERATIONS.c.id)
    )
    return _grouped(connection.execute(query))


def take(connection: Connection, operation_id: str) -> None:
    """Lock the operation's nodes, which nobody holds."""
    wanted = _wanted(operation_id).add_columns(literal(operation_id))
    connection.execute(insert(LOCKS).from_select(["node", "operation"], wanted))


def take_from_others(connection: Connection, operation_id: str) -> None:
    """Lock the operation's nodes, whoever holds them."""
    connection.execute(delete(LOCKS).where(LOCKS.c.node.in_(_wanted(operation_id))))
    take(connection, operation_id)


def give_back(connection: Connection, operation_id: str, *ended: Progress) -> None:
    """Unlock the nodes that have come to such an end in the operation; to no end in particular: all that it holds."""
    held = delete(LOCKS).where(LOCKS.c.operation == operation_id)
    if ended:
        of_these = (OUTCOMES.c.operation == operation_id, OUTCOMES.c.progress.in_(ended))
        held = held.where(LOCKS.c.node.in_(select(OUTCOMES.c.node).where(*of_these)))
    connection.execute(held)


def conflict(held: Holders, waited_for: Holders) -> Conflict:
    parts = [f"{nodes} by {operation} of {user}" for (operation, user), nodes in held.items()]
    parts += [f"{nodes} waited for by {operation} of {user}" for (operation, user), nodes in waited_for.items()]
    return Conflict(
        f"some nodes are in use: {'; '.join(parts)}",
        hint="leave them out, wait for them with --wait-nodes, or take them over with --force",
    )


def _wanted(operation_id: str) -> Select[str]:
    return select(OUTCOMES.c.node).where(OUTCOMES.c.operation == operation_id, OUTCOMES.c.progress.in_(UNFINISHED))


def _grouped(rows: Iterable[Row[str, str, str]]) -> Holders:
    held: dict[tuple[str, str], set[str]] = {}
    for holder, user, node in rows:
        held.setdefault((holder, user), set()).add(node)
    return {holder: NodeSet(nodes) for holder, nodes in held.items()}
