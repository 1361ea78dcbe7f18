"""What people decide about operations that run: held nodes, breakpoints that are lifted, nodes that are withdrawn."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from sqlalchemy import Connection, bindparam, insert, select, update

from kadeploy.domain.event import NodesAborted, NodesHeld, NodesResumed
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Outcome
from kadeploy.domain.state import OperationState, Progress
from kadeploy.ports.record import Breakpoint
from kadeploy.store.database import Database
from kadeploy.store.locks import give_back
from kadeploy.store.outcomes import having, journal, must_exist, settle
from kadeploy.store.tables import LIFTED_BREAKPOINTS, OPERATIONS, OUTCOMES
from kadeploy.store.trips import record_others

# Where the node was stays written.
_ABORT: Final = (
    update(OUTCOMES)
    .where(OUTCOMES.c.operation == bindparam("of_operation"), OUTCOMES.c.node == bindparam("of_node"))
    .values(progress=Progress.ABORTED.value, reason=bindparam("why"))
)


class SqlControl:
    """`ports.record.Control` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def hold(self, event: NodesHeld) -> NodesHeld | None:
        return await self._database.transact(lambda connection: _hold(connection, event))

    async def lifted(self, operation_id: str) -> frozenset[Breakpoint]:
        return await self._database.read(lambda connection: _lifted(connection, operation_id))

    async def resume(self, operation_id: str, *, by: str, at: float) -> NodesResumed | None:
        return await self._database.transact(lambda connection: _resume(connection, operation_id, by, at))

    async def withdraw(self, asked: NodesAborted, *, entirely: bool = False) -> NodesAborted | None:
        return await self._database.transact(lambda connection: withdraw(connection, asked, entirely=entirely))

    async def release(self, operation_id: str) -> None:
        ends = [progress for progress in Progress if progress.is_final]
        await self._database.transact(lambda connection: give_back(connection, operation_id, *ends))


def withdraw(connection: Connection, asked: NodesAborted, *, entirely: bool = False) -> NodesAborted | None:
    """As in the port, within a transaction."""
    must_exist(connection, asked.operation)
    nodes = having(connection, asked.operation, Progress.PROCESSING, Progress.HELD)
    if entirely:
        going_on = OPERATIONS.c.state.in_([state.value for state in OperationState if not state.is_final])
        unasked = (OPERATIONS.c.id == asked.operation, OPERATIONS.c.aborted_by == "", going_on)
        connection.execute(update(OPERATIONS).where(*unasked).values(aborted_by=asked.by))
    else:
        nodes = nodes & NodeSet.parse(asked.nodes)
    if not nodes:
        return None
    event = replace(asked, nodes=str(nodes))
    connection.execute(
        _ABORT, [{"of_operation": asked.operation, "of_node": node, "why": event.reason} for node in nodes.names]
    )
    record_others(connection, asked.operation, nodes, at=asked.at)
    journal(connection, [event])
    return event


def _hold(connection: Connection, event: NodesHeld) -> NodesHeld | None:
    point = (event.macro + event.instance, event.micro)
    nodes = having(connection, event.operation, Progress.PROCESSING) & NodeSet.parse(event.nodes)
    if not nodes or point in _lifted(connection, event.operation):
        return None
    held = Outcome(progress=Progress.HELD, macro=point[0], micro=point[1])
    settle(connection, event.operation, dict.fromkeys(nodes, held))
    held_now = replace(event, nodes=str(nodes))
    journal(connection, [held_now])
    return held_now


def _resume(connection: Connection, operation_id: str, by: str, at: float) -> NodesResumed | None:
    must_exist(connection, operation_id)
    nodes = having(connection, operation_id, Progress.HELD)
    if not nodes:
        return None
    held = (OUTCOMES.c.operation == operation_id, OUTCOMES.c.progress == Progress.HELD.value)
    places = connection.execute(select(OUTCOMES.c.macro, OUTCOMES.c.micro).where(*held).distinct()).all()
    lifted = _lifted(connection, operation_id)
    rows = [
        {"operation": operation_id, "macro": macro, "micro": micro}
        for macro, micro in places
        if (macro, micro) not in lifted
    ]
    if rows:
        connection.execute(insert(LIFTED_BREAKPOINTS), rows)
    connection.execute(update(OUTCOMES).where(*held).values(progress=Progress.PROCESSING.value, macro="", micro=""))
    event = NodesResumed(operation=operation_id, at=at, nodes=str(nodes), by=by)
    journal(connection, [event])
    return event


def _lifted(connection: Connection, operation_id: str) -> frozenset[Breakpoint]:
    table = LIFTED_BREAKPOINTS
    query = select(table.c.macro, table.c.micro).where(table.c.operation == operation_id)
    return frozenset((macro, micro) for macro, micro in connection.execute(query))
