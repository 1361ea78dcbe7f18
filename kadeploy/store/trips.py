"""Rows of statistics, inside whichever transaction says what became of the nodes."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Final

from sqlalchemy import Connection, Insert, RowMapping, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from kadeploy.domain.course import Course, Courses, MacroTime, StepTime, macro_times, step_times
from kadeploy.domain.event import Event, OperationStarted, StepEnded, from_json
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Outcome
from kadeploy.domain.state import OperationKind, Progress
from kadeploy.domain.statistics import STAGES, NodeRow, Trip
from kadeploy.ports.record import Ends
from kadeploy.store.tables import JOURNAL, OPERATIONS, OUTCOMES, STATISTICS, TRIPS

REASON: Final = 500  # characters of a reason that are kept for years
_TOLD: Final = (OPERATIONS.c.id, OPERATIONS.c.kind, OPERATIONS.c.user, OPERATIONS.c.created, OPERATIONS.c.environment)


def record_ends(connection: Connection, operation_id: str, outcomes: Mapping[str, Outcome], ends: Ends) -> None:
    """Nodes that have a row of this operation already keep it."""
    operation = connection.execute(select(*_TOLD).where(OPERATIONS.c.id == operation_id)).mappings().one()
    keys: dict[int, str] = {}
    trips: list[dict[str, object]] = []
    rows: list[dict[str, object]] = []
    for node, outcome in outcomes.items():
        course = ends.courses.get(node, ())
        key = keys.get(id(course))
        if key is None:
            key = keys[id(course)] = uuid.uuid4().hex
            trips.append(_trip_row(key, operation, ends, course))
        rows.append(_node_row(operation_id, node, key, outcome, ends.at))
    if rows:
        connection.execute(insert(TRIPS), trips)
        connection.execute(_add(connection.dialect.name), rows)


def record_others(connection: Connection, operation_id: str, nodes: NodeSet, *, at: float, reason: str = "") -> None:
    """The same for nodes whose end is not the engine's doing, from the outcomes and the journal: this reads all of it.

    `reason` is for those of which none is written down. An operation that never began has made nothing of its nodes.
    """
    wanted = (OUTCOMES.c.operation == operation_id, OUTCOMES.c.progress != Progress.OK.value)
    outcomes = {
        row["node"]: Outcome(
            progress=Progress(row["progress"]),
            macro=row["macro"],
            micro=row["micro"],
            reason=row["reason"] or reason,
        )
        for row in connection.execute(select(OUTCOMES).where(*wanted)).mappings()
        if row["node"] in nodes
    }
    events = [from_json(event) for event in _events(connection, operation_id)]
    courses = Courses(events)
    for cluster, own in _clusters(events, NodeSet(outcomes)).items():
        found = {node: courses.of(node) for node in own}
        ends = Ends(at=at, cluster=cluster, strength=0, image_size=0, courses=found)
        record_ends(connection, operation_id, {node: outcomes[node] for node in own}, ends)


def steps_of(connection: Connection, operation_id: str) -> Sequence[StepEnded]:
    found = (from_json(event) for event in _events(connection, operation_id) if event["kind"] == "step_ended")
    return [event for event in found if isinstance(event, StepEnded)]


def trip_from(row: RowMapping) -> Trip:
    """`row` may lack the steps."""
    return Trip(
        operation=row["operation"],
        kind=OperationKind(row["kind"]),
        user=row["user"],
        cluster=row["cluster"],
        started=row["started"],
        strength=row["strength"],
        image_size=row["image_size"],
        image_sha256=row["image_sha256"],
        environment=row["environment"],
        version=row["version"],
        owner=row["owner"],
        macros=tuple(
            MacroTime(
                macro=row[f"macro{number}"],
                instance=row[f"instance{number}"],
                seconds=row[f"seconds{number}"],
                limit=row[f"limit{number}"],
                retries=row[f"retry{number}"],
            )
            for number in range(1, STAGES + 1)
            if row[f"macro{number}"]
        ),
        steps=tuple(
            StepTime(macro=macro, instance=instance, micro=micro, seconds=seconds, tries=tries)
            for macro, instance, micro, seconds, tries in row.get("steps") or ()
        ),
    )


def node_from(row: RowMapping, trip: Trip) -> NodeRow:
    return NodeRow(
        node=row["node"],
        trip=trip,
        ended=row["ended"],
        progress=Progress(row["progress"]),
        macro=row["failed_macro"],
        micro=row["failed_micro"],
        reason=row["reason"],
    )


def _trip_row(key: str, operation: RowMapping, ends: Ends, course: Course) -> dict[str, object]:
    environment = operation["environment"] or {}
    row: dict[str, object] = {
        "key": key,
        "operation": operation["id"],
        "kind": operation["kind"],
        "user": operation["user"],
        "cluster": ends.cluster,
        "started": operation["created"],
        "strength": ends.strength,
        "image_size": ends.image_size,
        "image_sha256": ends.image_sha256,
        "environment": str(environment.get("name") or ""),
        "version": int(environment.get("version") or 0),
        "owner": str(environment.get("user") or ""),
        "steps": [
            [step.macro, step.instance, step.micro, round(step.seconds, 3), step.tries] for step in step_times(course)
        ],
    }
    nothing = MacroTime(macro="", instance="", seconds=0.0, limit=0.0, retries=0)
    for number, macro in enumerate([*macro_times(course), *([nothing] * STAGES)][:STAGES], 1):
        row |= {
            f"macro{number}": macro.macro,
            f"instance{number}": macro.instance,
            f"limit{number}": macro.limit,
            f"retry{number}": macro.retries,
            f"seconds{number}": round(macro.seconds, 3),
        }
    return row


def _node_row(operation_id: str, node: str, trip: str, outcome: Outcome, at: float) -> dict[str, object]:
    reason = outcome.reason
    return {
        "operation": operation_id,
        "node": node,
        "trip": trip,
        "ended": at,
        "progress": outcome.progress.value,
        "macro": outcome.macro,
        "micro": outcome.micro,
        "reason": reason if len(reason) <= REASON else f"{reason[: REASON - 1]}…",
    }


def _events(connection: Connection, operation_id: str) -> Iterable[dict[str, object]]:
    query = select(JOURNAL.c.event).where(JOURNAL.c.operation == operation_id).order_by(JOURNAL.c.number)
    return connection.scalars(query)


def _clusters(events: Iterable[Event], nodes: NodeSet) -> Mapping[str, NodeSet]:
    """The nodes by cluster."""
    started = next((event for event in events if isinstance(event, OperationStarted)), None)
    known = {name: NodeSet.parse(text) & nodes for name, text in started.clusters.items()} if started else {}
    return {name: some for name, some in known.items() if some}


@cache
def _add(dialect: str) -> Insert:
    """Both databases say it alike, but SQLAlchemy has the statement in each dialect's own module."""
    if dialect == "postgresql":
        return postgresql.insert(STATISTICS).on_conflict_do_nothing()
    return sqlite.insert(STATISTICS).on_conflict_do_nothing()
