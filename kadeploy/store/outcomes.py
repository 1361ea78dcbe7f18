"""What became of nodes, inside whichever transaction says so: the first end that a node comes to is the one it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, insert, or_, select, update

from kadeploy.domain.event import Event, to_json
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Outcome
from kadeploy.domain.state import OperationState, Progress
from kadeploy.errors import InvalidWorkflow
from kadeploy.store.locks import UNFINISHED
from kadeploy.store.operation_rows import outcome_row
from kadeploy.store.tables import JOURNAL, OPERATIONS, OUTCOMES

_SETTLE: Final = update(OUTCOMES).where(
    OUTCOMES.c.operation == bindparam("of_operation"),
    OUTCOMES.c.node == bindparam("of_node"),
    or_(*(OUTCOMES.c.progress == progress for progress in UNFINISHED)),  # a list cannot be executed for many rows
)


def settle(connection: Connection, operation_id: str, outcomes: Mapping[str, Outcome]) -> None:
    """Write what became of nodes that have not come to their end; the locks are another matter."""
    rows = [outcome_row(operation_id, node, outcome) for node, outcome in outcomes.items()]
    for row in rows:
        row["of_operation"], row["of_node"] = row.pop("operation"), row.pop("node")
    if rows:
        connection.execute(_SETTLE, rows)


def having(connection: Connection, operation_id: str, *progress: Progress) -> NodeSet:
    """The operation's nodes that are so."""
    wanted = (OUTCOMES.c.operation == operation_id, OUTCOMES.c.progress.in_(progress))
    return NodeSet(connection.scalars(select(OUTCOMES.c.node).where(*wanted)))


def journal(connection: Connection, events: Sequence[Event]) -> None:
    rows = [{"operation": event.operation, "event": to_json(event)} for event in events]
    if rows:
        connection.execute(insert(JOURNAL), rows)


def must_exist(connection: Connection, operation_id: str) -> OperationState:
    """Its state; raises InvalidWorkflow."""
    state = connection.scalar(select(OPERATIONS.c.state).where(OPERATIONS.c.id == operation_id))
    if state is None:
        raise unknown(operation_id)
    return OperationState(state)


def unknown(operation_id: str) -> InvalidWorkflow:
    return InvalidWorkflow(f"there is no operation {operation_id!r}")
