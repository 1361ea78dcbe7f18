"""What is kept of operations that ended long ago: nothing."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, delete, select

from kadeploy.domain.state import OperationState
from kadeploy.store.tables import JOURNAL, LIFTED_BREAKPOINTS, LOCKS, OPERATIONS, OUTCOMES, VISITS

_ENDED: Final = tuple(state.value for state in OperationState if state.is_final)
_AT_ONCE: Final = 100  # operations deleted in one transaction: others wait for it


def prune(connection: Connection, before: float) -> list[str]:
    """The ids of what was deleted; call it again until there are none."""
    query = select(OPERATIONS.c.id).where(OPERATIONS.c.state.in_(_ENDED), OPERATIONS.c.ended < before)
    found = list(connection.scalars(query.order_by(OPERATIONS.c.ended).limit(_AT_ONCE)))
    if found:
        for table in (JOURNAL, VISITS, LIFTED_BREAKPOINTS, LOCKS, OUTCOMES):
            connection.execute(delete(table).where(table.c.operation.in_(found)))
        connection.execute(delete(OPERATIONS).where(OPERATIONS.c.id.in_(found)))
    return found
