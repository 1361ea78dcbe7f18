"""Operations from their creation to their being forgotten, and which operation holds which node.

Ten thousand nodes are written with one statement that is executed for many rows, and locks are taken and given
back by set operations inside the database: never a query a node.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import ColumnElement, Connection, Select, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from kadeploy.domain.event import NodesAborted, OperationEnded
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation, Outcome
from kadeploy.domain.state import OperationKind, OperationState, Progress
from kadeploy.errors import AlreadyExists, Conflict
from kadeploy.ports.store import Created, Glimpse
from kadeploy.store.at_once import rows_at_once
from kadeploy.store.control import withdraw
from kadeploy.store.database import Database
from kadeploy.store.locks import Holders, conflict, give_back, holders, take, take_from_others, waiting_before
from kadeploy.store.operation_rows import TOLD, OutcomeRow, head_from, operation_from, operation_row, outcome_row
from kadeploy.store.outcomes import having, journal, must_exist, unknown
from kadeploy.store.postgresql import Turn, wait_for
from kadeploy.store.retention import prune
from kadeploy.store.tables import JOURNAL, LOCKS, OPERATIONS, OUTCOMES
from kadeploy.store.trips import record_others

_LISTED: Final = tuple(column for column in OPERATIONS.columns if column.name != "plans")
_LAST: Final = select(func.max(JOURNAL.c.number)).where(JOURNAL.c.operation == OPERATIONS.c.id).scalar_subquery()
_GLIMPSED: Final = (*_LISTED, func.coalesce(_LAST, 0).label("number"))
_BY_AGE: Final = (OPERATIONS.c.created, OPERATIONS.c.id)
_UNENDED: Final = tuple(state.value for state in OperationState if not state.is_final)


class SqlOperations:
    """`ports.store.Operations` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, operation: Operation, *, force: bool = False, wait: bool = False) -> Created:
        return await self._database.transact(lambda connection: _create(connection, operation, force=force, wait=wait))

    async def admit(self) -> Sequence[str]:
        return await self._database.transact(_admit)

    async def get(self, operation_id: str, *, even_forgotten: bool = False) -> Operation:
        return await self._database.read(
            lambda connection: _get(connection, operation_id, even_forgotten=even_forgotten)
        )

    async def glimpse(self, operation_id: str, *, even_forgotten: bool = False) -> Glimpse:
        return await self._database.read(
            lambda connection: _glimpse(connection, operation_id, even_forgotten=even_forgotten)
        )

    async def glimpses(self, kind: OperationKind) -> Sequence[Glimpse]:
        return await self._database.read(lambda connection: _glimpses(connection, kind))

    async def repeated(self, user: str, key: str) -> Operation | None:
        return await self._database.read(lambda connection: _repeated(connection, user, key))

    async def list(self, kind: OperationKind) -> Sequence[Operation]:
        return await self._database.read(lambda connection: _list(connection, kind))

    async def counts(self) -> Mapping[tuple[OperationKind, OperationState], int]:
        return await self._database.read(_counts)

    async def running(self) -> Sequence[str]:
        return await self._database.read(lambda connection: connection.scalars(_in_state(OperationState.RUNNING)).all())

    async def queued(self) -> Sequence[str]:
        return await self._database.read(lambda connection: connection.scalars(_in_state(OperationState.QUEUED)).all())

    async def end(self, operation_id: str, state: OperationState, *, at: float, error: str = "") -> OperationEnded:
        if not state.is_final:
            raise ValueError(f"{state} is not final")
        return await self._database.transact(lambda connection: _end(connection, operation_id, state, at, error))

    async def forget(self, operation_id: str) -> None:
        await self._database.transact(lambda connection: _forget(connection, operation_id))

    async def prune(self, before: float) -> Sequence[str]:
        return await self._database.transact(lambda connection: prune(connection, before))


def _create(connection: Connection, operation: Operation, *, force: bool, wait: bool) -> Created:
    if operation.once is not None and _repeated(connection, operation.user, operation.once.key):
        raise AlreadyExists(f"{operation.user} has used the key {operation.once.key!r} before")
    try:
        connection.execute(insert(OPERATIONS), operation_row(operation))
    except IntegrityError as error:
        raise AlreadyExists(f"there is an operation {operation.id} already") from error
    rows = [outcome_row(operation.id, node, operation.outcomes.get(node, Outcome())) for node in operation.nodes]
    if rows:
        connection.execute(insert(OUTCOMES), rows)
    wait_for(connection, Turn.TAKING_NODES)
    held = holders(connection, operation.id)
    if force:
        taken = _abort_in_others(connection, operation, held)
        take_from_others(connection, operation.id)
        return Created(taken=taken)
    waited_for = waiting_before(connection, operation.id)
    if not held and not waited_for:
        take(connection, operation.id)
        return Created()
    if not wait:
        raise conflict(held, waited_for)
    _set_state(connection, operation.id, OperationState.QUEUED)
    behind: dict[str, NodeSet] = {}
    for (other, _), nodes in (*held.items(), *waited_for.items()):
        behind[other] = behind.get(other, NodeSet()) | nodes
    return Created(is_queued=True, behind=behind)


def _abort_in_others(connection: Connection, operation: Operation, held: Holders) -> list[NodesAborted]:
    why = f"taken over by {operation.id}"
    events = [
        withdraw(
            connection,
            NodesAborted(operation=other, at=operation.created, nodes=str(nodes), by=operation.user, why=why),
        )
        for (other, _), nodes in held.items()
    ]
    return [event for event in events if event is not None]


def _admit(connection: Connection) -> list[str]:
    wait_for(connection, Turn.TAKING_NODES)
    admitted: list[str] = []
    taken = set(connection.scalars(select(LOCKS.c.node)))
    waiting = _in_state(OperationState.QUEUED).where(OPERATIONS.c.aborted_by == "")
    for operation_id in connection.scalars(waiting).all():
        wanted = having(connection, operation_id, Progress.PROCESSING).names
        if not wanted & taken:
            take(connection, operation_id)
            _set_state(connection, operation_id, OperationState.RUNNING)
            admitted.append(operation_id)
        taken |= wanted
    return admitted


def _get(connection: Connection, operation_id: str, *, even_forgotten: bool = False) -> Operation:
    row = connection.execute(select(OPERATIONS).where(OPERATIONS.c.id == operation_id)).mappings().first()
    if row is None or (row["forgotten"] and not even_forgotten):
        raise unknown(operation_id)
    outcomes = rows_at_once(connection, select(*TOLD).where(OUTCOMES.c.operation == operation_id))
    return operation_from(row, ((node, tuple(told)) for node, *told in outcomes))


def _glimpse(connection: Connection, operation_id: str, *, even_forgotten: bool = False) -> Glimpse:
    row = connection.execute(select(*_GLIMPSED).where(OPERATIONS.c.id == operation_id)).mappings().first()
    if row is None or (row["forgotten"] and not even_forgotten):
        raise unknown(operation_id)
    return Glimpse(head=head_from(row), number=row["number"])


def _glimpses(connection: Connection, kind: OperationKind) -> Sequence[Glimpse]:
    rows = connection.execute(select(*_GLIMPSED).where(*_listed(kind)).order_by(*_BY_AGE)).mappings()
    return [Glimpse(head=head_from(row), number=row["number"]) for row in rows]


def _repeated(connection: Connection, user: str, key: str) -> Operation | None:
    query = select(OPERATIONS.c.id).where(OPERATIONS.c.user == user, OPERATIONS.c.once_key == key)
    found = connection.scalar(query)
    return None if found is None else _get(connection, found, even_forgotten=True)


def _list(connection: Connection, kind: OperationKind) -> Sequence[Operation]:
    rows = connection.execute(select(*_LISTED).where(*_listed(kind)).order_by(*_BY_AGE)).mappings().all()
    outcomes: dict[str, list[tuple[str, OutcomeRow]]] = {row["id"]: [] for row in rows}
    told_of = select(OUTCOMES.c.operation, *TOLD).join(OPERATIONS).where(*_listed(kind))
    for of, node, *told in rows_at_once(connection, told_of):
        outcomes[of].append((node, tuple(told)))
    return [operation_from(row, outcomes[row["id"]]) for row in rows]


def _listed(kind: OperationKind) -> tuple[ColumnElement[bool], ...]:
    return OPERATIONS.c.kind == kind.value, OPERATIONS.c.forgotten.is_(False)


def _counts(connection: Connection) -> dict[tuple[OperationKind, OperationState], int]:
    query = select(OPERATIONS.c.kind, OPERATIONS.c.state, func.count()).group_by(OPERATIONS.c.kind, OPERATIONS.c.state)
    return {(OperationKind(kind), OperationState(state)): count for kind, state, count in connection.execute(query)}


def _in_state(state: OperationState) -> Select[str]:
    query = select(OPERATIONS.c.id).where(OPERATIONS.c.state == state.value)
    return query.order_by(*_BY_AGE)


def _set_state(connection: Connection, operation_id: str, state: OperationState) -> None:
    connection.execute(update(OPERATIONS).where(OPERATIONS.c.id == operation_id).values(state=state.value))


def _end(connection: Connection, operation_id: str, state: OperationState, at: float, error: str) -> OperationEnded:
    must_exist(connection, operation_id)
    going_on = (OPERATIONS.c.id == operation_id, OPERATIONS.c.state.in_(_UNENDED))
    ending = update(OPERATIONS).where(*going_on).values(state=state.value, ended=at, error=error)
    is_first = connection.execute(ending).rowcount == 1
    give_back(connection, operation_id)
    operation = _get(connection, operation_id, even_forgotten=True)
    ok = operation.having(Progress.OK)
    event = OperationEnded(
        operation=operation_id,
        at=operation.ended,
        state=operation.state,
        ok=str(ok),
        ko=str(operation.nodes - ok),
        error=operation.error,
    )
    if is_first:
        if operation.unfinished:
            record_others(connection, operation_id, operation.unfinished, at=at, reason=error)
        journal(connection, [event])
    return event


def _forget(connection: Connection, operation_id: str) -> None:
    if not must_exist(connection, operation_id).is_final:
        raise Conflict(f"{operation_id} is still running", hint="abort it first")
    connection.execute(update(OPERATIONS).where(OPERATIONS.c.id == operation_id).values(forgotten=True))
