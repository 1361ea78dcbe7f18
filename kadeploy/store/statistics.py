"""Reading what is known of past operations: filtered, sorted and counted inside the database."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import JSON as Json
from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    case,
    cast,
    column,
    delete,
    func,
    literal,
    or_,
    select,
)

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import OperationKind, Progress
from kadeploy.domain.statistics import STAGES, Boots, NodeRow, Tally, Trip, Wanted
from kadeploy.store.database import Database
from kadeploy.store.tables import NODE_BOOTS, STATISTICS, TRIPS
from kadeploy.store.trips import node_from, trip_from

_AT_ONCE: Final = 100  # operations deleted in one transaction: others wait for it
_BRIEF: Final = tuple(column for column in TRIPS.columns if column.name != "steps")
_FAILED: Final = (
    Progress.PROCESSING.value,
    Progress.HELD.value,
    Progress.KO.value,
)  # two never had an end
_OUTCOME: Final = (
    STATISTICS.c.node,
    STATISTICS.c.ended,
    STATISTICS.c.progress,
    STATISTICS.c.macro.label("failed_macro"),
    STATISTICS.c.micro.label("failed_micro"),
    STATISTICS.c.reason,
)
_NUMBERS: Final = range(1, STAGES + 1)
_RETRIES: Final = tuple(TRIPS.c[f"retry{number}"] for number in _NUMBERS)
_SECONDS: Final = TRIPS.c.seconds1 + TRIPS.c.seconds2 + TRIPS.c.seconds3

_FIELDS: Final[Mapping[str, Sequence[ColumnElement[object]]]] = {
    "wid": (TRIPS.c.operation,),
    "user": (TRIPS.c.user,),
    "hostname": (STATISTICS.c.node,),
    "start": (TRIPS.c.started,),
    "end": (STATISTICS.c.ended,),
    "success": (case((STATISTICS.c.progress == Progress.OK.value, 1), else_=0),),
    "error": (STATISTICS.c.macro, STATISTICS.c.micro, STATISTICS.c.reason),
    "env": (TRIPS.c.environment, TRIPS.c.version),
    "cluster": (TRIPS.c.cluster,),
    "kind": (TRIPS.c.kind,),
    "owner": (TRIPS.c.owner,),
    "duration": (_SECONDS,),
    "retries": (sum(_RETRIES[1:], start=_RETRIES[0] + 0),),
    "image_size": (TRIPS.c.image_size,),
    "nodes": (TRIPS.c.strength,),
    **{f"step{number}": (TRIPS.c[f"macro{number}"], TRIPS.c[f"instance{number}"]) for number in _NUMBERS},
    **{f"timeout_step{number}": (TRIPS.c[f"limit{number}"],) for number in _NUMBERS},
    **{f"retry_step{number}": (TRIPS.c[f"retry{number}"],) for number in _NUMBERS},
    **{f"step{number}_duration": (TRIPS.c[f"seconds{number}"],) for number in _NUMBERS},
}


class SqlStatistics:
    """`ports.statistics.Statistics` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(
        self, wanted: Wanted, *, sort: Sequence[str] = (), limit: int, offset: int = 0, steps: bool = False
    ) -> Sequence[NodeRow]:
        columns = TRIPS.columns if steps else _BRIEF

        def work(connection: Connection) -> Sequence[NodeRow]:
            query = _joined(select(*columns, *_OUTCOME)).where(*_conditions(connection, wanted))
            query = query.order_by(*_order(sort), TRIPS.c.started, STATISTICS.c.operation, STATISTICS.c.node)
            return list(_node_rows(connection, query.limit(limit).offset(offset)))

        return await self._database.read(work)

    async def nodes(self, wanted: Wanted) -> Mapping[str, tuple[int, int]]:
        passed = func.sum(case((STATISTICS.c.progress == Progress.OK.value, 1), else_=0))
        failed = func.sum(case((STATISTICS.c.progress.in_(_FAILED), 1), else_=0))

        def work(connection: Connection) -> Sequence[Sequence[Any]]:
            query = _joined(select(STATISTICS.c.node, passed, failed)).where(*_conditions(connection, wanted))
            return connection.execute(query.group_by(STATISTICS.c.node)).all()

        return {row[0]: (int(row[1]), int(row[2])) for row in await self._database.read(work)}

    async def tallies(self, wanted: Wanted) -> Sequence[Tally]:
        ends = (STATISTICS.c.trip, STATISTICS.c.progress, STATISTICS.c.macro, STATISTICS.c.micro)

        def work(connection: Connection) -> Sequence[Tally]:
            conditions = _conditions(connection, wanted)
            counted = connection.execute(_joined(select(*ends, func.count())).where(*conditions).group_by(*ends)).all()
            found = _joined(select(STATISTICS.c.trip)).where(*conditions)
            known = connection.execute(select(TRIPS).where(TRIPS.c.key.in_(found))).mappings()
            trips = {row["key"]: trip_from(row) for row in known}
            return [
                Tally(trip=trips[key], progress=Progress(progress), macro=macro, micro=micro, nodes=count)
                for key, progress, macro, micro, count in counted
            ]

        return await self._database.read(work)

    async def trips(self, cluster: str, kind: OperationKind, limit: int) -> Sequence[tuple[Trip, int]]:
        succeeded = (
            select(STATISTICS.c.trip, func.count().label("count"))
            .join(TRIPS, TRIPS.c.key == STATISTICS.c.trip)
            .where(TRIPS.c.cluster == cluster, TRIPS.c.kind == kind.value, STATISTICS.c.progress == Progress.OK.value)
            .group_by(STATISTICS.c.trip, TRIPS.c.started)
            .order_by(TRIPS.c.started.desc(), STATISTICS.c.trip)
            .limit(limit)
            .subquery()
        )
        query = select(TRIPS, succeeded.c.count).join(succeeded, succeeded.c.trip == TRIPS.c.key)
        query = query.order_by(TRIPS.c.started.desc(), TRIPS.c.key)
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [(trip_from(row), row["count"]) for row in rows]

    async def boots(self, since: float, nodes: NodeSet | None = None) -> Sequence[Boots]:
        query = select(NODE_BOOTS).where(NODE_BOOTS.c.at >= since).order_by(NODE_BOOTS.c.number)
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [
            Boots(cluster=row["cluster"], way=row["way"], at=row["at"], seconds=row["seconds"])
            for row in rows
            if nodes is None or nodes.names & row["seconds"].keys()
        ]

    async def prune(self, before: float) -> int:
        return await self._database.transact(lambda connection: _prune(connection, before))


def _prune(connection: Connection, before: float) -> int:
    query = select(TRIPS.c.operation).where(TRIPS.c.started < before).distinct().limit(_AT_ONCE)
    found = list(connection.scalars(query))
    if found:
        connection.execute(delete(STATISTICS).where(STATISTICS.c.operation.in_(found)))
        connection.execute(delete(TRIPS).where(TRIPS.c.operation.in_(found)))
    connection.execute(delete(NODE_BOOTS).where(NODE_BOOTS.c.at < before))
    return len(found)


def _joined(query: Select[Any]) -> Select[Any]:
    return query.select_from(STATISTICS.join(TRIPS, TRIPS.c.key == STATISTICS.c.trip))


def _node_rows(connection: Connection, query: Select[Any]) -> Iterator[NodeRow]:
    trips: dict[str, Trip] = {}
    for row in connection.execute(query).mappings():
        if row["key"] not in trips:
            trips[row["key"]] = trip_from(row)
        yield node_from(row, trips[row["key"]])


def _order(sort: Sequence[str]) -> Iterator[ColumnElement[object]]:
    for name in sort:
        for element in _FIELDS[name.removeprefix("-")]:
            yield element.desc() if name.startswith("-") else element.asc()


def _conditions(connection: Connection, wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    equal = {
        TRIPS.c.kind: wanted.kind.value if wanted.kind else "",
        TRIPS.c.operation: wanted.operation,
        TRIPS.c.user: wanted.user,
        TRIPS.c.cluster: wanted.cluster,
        TRIPS.c.environment: wanted.environment,
        TRIPS.c.owner: wanted.owner,
    }
    yield from (of == text for of, text in equal.items() if text)
    if wanted.version is not None:
        yield TRIPS.c.version == wanted.version
    yield from _bounds(wanted)
    if wanted.nodes is not None:
        yield STATISTICS.c.node.in_(_listed(connection, wanted.nodes))
    if wanted.min_retries is not None:
        enough = [_RETRIES[number - 1] >= wanted.min_retries for number in wanted.retry_steps or _NUMBERS]
        yield and_(*enough) if wanted.retry_steps else or_(*enough)
    if wanted.step:
        where = STATISTICS.c.macro + literal("-") + STATISTICS.c.micro
        yield or_(STATISTICS.c.macro == wanted.step, STATISTICS.c.micro == wanted.step, where == wanted.step)
    if wanted.only_failed or wanted.step:
        yield STATISTICS.c.progress.in_(_FAILED)


def _bounds(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.since is not None:
        yield TRIPS.c.started >= wanted.since
    if wanted.until is not None:
        yield TRIPS.c.started <= wanted.until
    if wanted.before is not None:
        yield STATISTICS.c.ended < wanted.before
    if wanted.min_seconds is not None:
        yield wanted.min_seconds <= _SECONDS
    if wanted.max_seconds is not None:
        yield wanted.max_seconds >= _SECONDS


def _listed(connection: Connection, nodes: NodeSet) -> Select[tuple[str]]:
    """The names as a table: a statement has room for some ten thousand values only."""
    names = json.dumps(sorted(nodes.names))
    if connection.dialect.name == "postgresql":
        return select(func.json_array_elements_text(cast(literal(names), Json)).column_valued("name"))
    return select(func.json_each(literal(names)).table_valued(column("value")).c.value)
