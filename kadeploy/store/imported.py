"""Taking over what another server knew: all of it in one transaction, and nothing that is there already is touched."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import Connection, insert, select

from kadeploy.domain.environment import Environment
from kadeploy.domain.rights import Right
from kadeploy.domain.statistics import STAGES, NodeRow, Trip
from kadeploy.ports.store import NodeRecord
from kadeploy.store.environment_rows import environment_row
from kadeploy.store.tables import ENVIRONMENTS, NODES, RIGHTS, STATISTICS, TRIPS

_AT_ONCE: Final = 1000  # rows a statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """What another server knew."""

    environments: Sequence[Environment] = ()
    rights: Sequence[Right] = ()
    nodes: Mapping[str, NodeRecord] = field(default_factory=dict)
    past: Sequence[NodeRow] = ()

    @property
    def counts(self) -> Mapping[str, int]:
        return {
            "environments": len(self.environments),
            "rights": len(self.rights),
            "states of nodes": len(self.nodes),
            "rows of statistics": len(self.past),
        }


def without_known(connection: Connection, incoming: Incoming) -> Incoming:
    """What of it is not there yet."""
    of_environment = (ENVIRONMENTS.c.user, ENVIRONMENTS.c.name, ENVIRONMENTS.c.version)
    environments = {tuple(row) for row in connection.execute(select(*of_environment))}
    rights = {tuple(row) for row in connection.execute(select(RIGHTS.c.user, RIGHTS.c.node, RIGHTS.c.partition))}
    nodes = set(connection.scalars(select(NODES.c.node)))
    past = {tuple(row) for row in connection.execute(select(STATISTICS.c.operation, STATISTICS.c.node))}
    return Incoming(
        environments=[one for one in incoming.environments if (one.user, one.name, one.version) not in environments],
        rights=[one for one in incoming.rights if (one.user, one.node, one.partition) not in rights],
        nodes={name: record for name, record in incoming.nodes.items() if name not in nodes},
        past=[one for one in incoming.past if (one.trip.operation, one.node) not in past],
    )


def take_over(connection: Connection, incoming: Incoming) -> Incoming:
    """Record what is not there yet, and tell it. Rights are taken as they are: who gave them decided."""
    new = without_known(connection, incoming)
    keys = {trip: uuid.uuid4().hex for trip in dict.fromkeys(one.trip for one in new.past)}
    tables = (
        (ENVIRONMENTS, [environment_row(one) for one in new.environments]),
        (RIGHTS, [_right_row(one) for one in new.rights]),
        (NODES, [_node_row(name, record) for name, record in new.nodes.items()]),
        (TRIPS, [_trip_row(key, trip) for trip, key in keys.items()]),
        (STATISTICS, [_past_row(one, keys[one.trip]) for one in new.past]),
    )
    for table, rows in tables:
        for start in range(0, len(rows), _AT_ONCE):
            connection.execute(insert(table), rows[start : start + _AT_ONCE])
    return new


def _right_row(right: Right) -> dict[str, object]:
    return {
        "user": right.user,
        "node": right.node,
        "partition": right.partition,
        "since": right.since,
        "until": None,
    }


def _node_row(name: str, record: NodeRecord) -> dict[str, object]:
    environment = None if record.environment is None else dict(record.environment)
    return {
        "node": name,
        "state": record.state.value,
        "user": record.user,
        "at": record.at,
        "environment": environment,
    }


def _trip_row(key: str, trip: Trip) -> dict[str, object]:
    row: dict[str, object] = {
        "key": key,
        "operation": trip.operation,
        "kind": trip.kind.value,
        "user": trip.user,
        "cluster": trip.cluster,
        "started": trip.started,
        "strength": trip.strength,
        "image_size": trip.image_size,
        "image_sha256": trip.image_sha256,
        "environment": trip.environment,
        "version": trip.version,
        "owner": trip.owner,
        "steps": [],
    }
    for number in range(1, STAGES + 1):
        macro = trip.macros[number - 1] if number <= len(trip.macros) else None
        row |= {
            f"macro{number}": macro.macro if macro else "",
            f"instance{number}": macro.instance if macro else "",
            f"limit{number}": macro.limit if macro else 0.0,
            f"retry{number}": macro.retries if macro else 0,
            f"seconds{number}": macro.seconds if macro else 0.0,
        }
    return row


def _past_row(one: NodeRow, trip: str) -> dict[str, object]:
    return {
        "operation": one.trip.operation,
        "node": one.node,
        "trip": trip,
        "ended": one.ended,
        "progress": one.progress.value,
        "macro": one.macro,
        "micro": one.micro,
        "reason": one.reason,
    }
