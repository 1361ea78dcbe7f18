"""One operation a node: who holds nodes, and taking them, inside the transaction that records the operation.

The nodes that an operation holds are those of its outcomes that are still being processed. Writers come one after the
other (SQLite's write lock, a turn on PostgreSQL), so that the loser of a race is told who won; the table's key on the
node would stop it even so.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, Select, delete, insert, literal, select

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import Progress
from kadeploy.errors import Conflict
from kadeploy.store.tables import LOCKS, OPERATIONS, OUTCOMES


def holders(connection: Connection, operation_id: str) -> Mapping[tuple[str, str], NodeSet]:
    """Of the nodes that this operation wants, those that are held: (operation, its user) -> nodes."""
    query = (
        select(LOCKS.c.operation, OPERATIONS.c.user, LOCKS.c.node)
        .join(OPERATIONS, OPERATIONS.c.id == LOCKS.c.operation)
        .where(LOCKS.c.node.in_(_wanted(operation_id)))
        .order_by(OPERATIONS.c.created, OPERATIONS.c.id)
    )
    held: dict[tuple[str, str], set[str]] = {}
    for holder, user, node in connection.execute(query):
        held.setdefault((holder, user), set()).add(node)
    return {holder: NodeSet(nodes) for holder, nodes in held.items()}


def take(connection: Connection, operation_id: str) -> None:
    """Lock the operation's nodes, which nobody holds."""
    wanted = _wanted(operation_id).add_columns(literal(operation_id))
    connection.execute(insert(LOCKS).from_select(["node", "operation"], wanted))


def give_back(connection: Connection, *, taken_by: str) -> None:
    """Make others give back the nodes that this operation is going to take."""
    connection.execute(delete(LOCKS).where(LOCKS.c.node.in_(_wanted(taken_by))))


def conflict(held: Mapping[tuple[str, str], NodeSet]) -> Conflict:
    parts = [f"{nodes} by {operation} of {user}" for (operation, user), nodes in held.items()]
    return Conflict(
        f"some nodes are in use: {'; '.join(parts)}",
        hint="leave them out, wait for the end of what uses them, or take them over with --force",
    )


def _wanted(operation_id: str) -> Select[tuple[str]]:
    return select(OUTCOMES.c.node).where(
        OUTCOMES.c.operation == operation_id, OUTCOMES.c.progress == Progress.PROCESSING.value
    )
