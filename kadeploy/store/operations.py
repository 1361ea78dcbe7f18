"""Operations, what became of their nodes, and which operation holds which node.

Ten thousand nodes are written with one statement that is executed for many rows, and locks are taken and given
back by set operations inside the database: never a query a node.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from kadeploy.domain.operation import Operation, Outcome
from kadeploy.domain.state import OperationKind, OperationState, Progress
from kadeploy.errors import AlreadyExists, Conflict, InvalidWorkflow
from kadeploy.store.database import Database
from kadeploy.store.locks import conflict, give_back, holders, take
from kadeploy.store.operation_rows import operation_from, operation_row, outcome_row
from kadeploy.store.postgresql import Turn, wait_for
from kadeploy.store.tables import LOCKS, OPERATIONS, OUTCOMES

_LISTED: Final = tuple(column for column in OPERATIONS.columns if column.name != "plans")
_SETTLE: Final = update(OUTCOMES).where(
    OUTCOMES.c.operation == bindparam("of_operation"), OUTCOMES.c.node == bindparam("of_node")
)


class SqlOperations:
    """`ports.store.Operations` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, operation: Operation, *, force: bool = False) -> None:
        await self._database.transact(lambda connection: _create(connection, operation, force=force))

    async def get(self, operation_id: str) -> Operation:
        return await self._database.read(lambda connection: _get(connection, operation_id))

    async def list(self, kind: OperationKind) -> Sequence[Operation]:
        return await self._database.read(lambda connection: _list(connection, kind))

    async def running(self) -> Sequence[str]:
        query = select(OPERATIONS.c.id).where(OPERATIONS.c.state == OperationState.RUNNING.value)
        ordered = query.order_by(OPERATIONS.c.created, OPERATIONS.c.id)
        return await self._database.read(lambda connection: connection.scalars(ordered).all())

    async def settle(self, operation_id: str, outcomes: Mapping[str, Outcome]) -> None:
        await self._database.transact(lambda connection: _settle(connection, operation_id, outcomes))

    async def request_abort(self, operation_id: str) -> None:
        await self._database.transact(lambda connection: _request_abort(connection, operation_id))

    async def end(self, operation_id: str, state: OperationState, *, at: float, error: str = "") -> None:
        if not state.is_final:
            raise ValueError(f"{state} is not final")
        await self._database.transact(lambda connection: _end(connection, operation_id, state, at, error))

    async def forget(self, operation_id: str) -> None:
        await self._database.transact(lambda connection: _forget(connection, operation_id))


def _create(connection: Connection, operation: Operation, *, force: bool) -> None:
    try:
        connection.execute(insert(OPERATIONS), operation_row(operation))
    except IntegrityError as error:
        raise AlreadyExists(f"there is an operation {operation.id} already") from error
    rows = [outcome_row(operation.id, node, operation.outcomes.get(node, Outcome())) for node in operation.nodes]
    if rows:
        connection.execute(insert(OUTCOMES), rows)
    wait_for(connection, Turn.TAKING_NODES)
    if force:
        give_back(connection, taken_by=operation.id)
    elif held := holders(connection, operation.id):
        raise conflict(held)
    take(connection, operation.id)


def _get(connection: Connection, operation_id: str) -> Operation:
    row = connection.execute(select(OPERATIONS).where(OPERATIONS.c.id == operation_id)).mappings().first()
    if row is None or row["forgotten"]:
        raise _unknown(operation_id)
    outcomes = connection.execute(select(OUTCOMES).where(OUTCOMES.c.operation == operation_id))
    return operation_from(row, [tuple(outcome) for outcome in outcomes])


def _list(connection: Connection, kind: OperationKind) -> Sequence[Operation]:
    listed = (OPERATIONS.c.kind == kind.value, OPERATIONS.c.forgotten.is_(False))
    query = select(*_LISTED).where(*listed).order_by(OPERATIONS.c.created, OPERATIONS.c.id)
    rows = connection.execute(query).mappings().all()
    outcomes: dict[str, list[tuple[str, ...]]] = {row["id"]: [] for row in rows}
    for outcome in connection.execute(select(OUTCOMES).join(OPERATIONS).where(*listed)):
        outcomes[outcome[0]].append(tuple(outcome))
    return [operation_from(row, outcomes[row["id"]]) for row in rows]


def _settle(connection: Connection, operation_id: str, outcomes: Mapping[str, Outcome]) -> None:
    _must_exist(connection, operation_id)
    if not outcomes:
        return
    rows = [outcome_row(operation_id, node, outcome) for node, outcome in outcomes.items()]
    for row in rows:
        row["of_operation"], row["of_node"] = row.pop("operation"), row.pop("node")
    connection.execute(_SETTLE, rows)
    settled = select(OUTCOMES.c.node).where(
        OUTCOMES.c.operation == operation_id, OUTCOMES.c.progress != Progress.PROCESSING.value
    )
    connection.execute(delete(LOCKS).where(LOCKS.c.operation == operation_id, LOCKS.c.node.in_(settled)))


def _request_abort(connection: Connection, operation_id: str) -> None:
    _must_exist(connection, operation_id)
    running = (OPERATIONS.c.id == operation_id, OPERATIONS.c.state == OperationState.RUNNING.value)
    connection.execute(update(OPERATIONS).where(*running).values(abort_requested=True))


def _end(connection: Connection, operation_id: str, state: OperationState, at: float, error: str) -> None:
    _must_exist(connection, operation_id)
    running = (OPERATIONS.c.id == operation_id, OPERATIONS.c.state == OperationState.RUNNING.value)
    connection.execute(update(OPERATIONS).where(*running).values(state=state.value, ended=at, error=error))
    connection.execute(delete(LOCKS).where(LOCKS.c.operation == operation_id))


def _forget(connection: Connection, operation_id: str) -> None:
    if _must_exist(connection, operation_id) is OperationState.RUNNING:
        raise Conflict(f"{operation_id} is still running", hint="abort it first")
    connection.execute(update(OPERATIONS).where(OPERATIONS.c.id == operation_id).values(forgotten=True))


def _must_exist(connection: Connection, operation_id: str) -> OperationState:
    state = connection.scalar(select(OPERATIONS.c.state).where(OPERATIONS.c.id == operation_id))
    if state is None:
        raise _unknown(operation_id)
    return OperationState(state)


def _unknown(operation_id: str) -> InvalidWorkflow:
    return InvalidWorkflow(f"there is no operation {operation_id!r}")
