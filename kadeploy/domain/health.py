"""A node's health from 100 (nothing known against it) to 0: which node deserves a technician's visit?

    health = 100 - FAILING * failing - SLOW * slow - RETRIED * retried

`failing`: its share of failures, in which an operation counts half for every HALF_LIFE that has passed since, and a
failure less, the more of the other nodes failed in the same place of the same operation: that was the environment, or
the network. One operation's weight of success is always added, so that a single failure does not condemn a node.
`slow`: its median boot against the median of its cluster, for the way of booting where it is worst: nothing up to
TOLERATED times, all of it from HOPELESS times.
`retried`: how often steps were tried again in its operations, beyond what is usual in its cluster: all of it from
MANY_RETRIES an operation, weighted by age in the same way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from kadeploy.domain.nodeset import natural_key
from kadeploy.domain.quantiles import median, quantile
from kadeploy.domain.state import Progress
from kadeploy.domain.statistics import Boots, NodeRow

FAILING: Final = 60.0  # points
SLOW: Final = 20.0  # points
RETRIED: Final = 20.0  # points
HALF_LIFE: Final = 14 * 86400.0  # seconds
LOOKED_BACK: Final = 90 * 86400.0  # seconds: what is older says nothing any more
TOLERATED: Final = 1.2  # times the cluster's median boot
HOPELESS: Final = 2.0  # times the cluster's median boot
LEAST_BOOTS: Final = 2  # of a node, and LEAST_NODES of its cluster, before its boots are compared
LEAST_NODES: Final = 3
MANY_RETRIES: Final = 2.0  # retries an operation beyond the cluster's
VISIT: Final = 60.0  # points, below which a node deserves a visit
WATCH: Final = 85.0  # points, below which it deserves a look


class Verdict(StrEnum):
    VISIT = "visit"
    WATCH = "watch"
    GOOD = "good"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """`boot_ratio` is its median boot by the cluster's, 0 when there is nothing to compare; `retries` an operation."""

    node: str
    cluster: str
    score: float
    operations: int
    failures: int
    retries: float
    boot_seconds: float = 0.0
    boot_ratio: float = 0.0
    last_failure: float = 0.0
    reason: str = ""

    @property
    def verdict(self) -> Verdict:
        if self.score < VISIT:
            return Verdict.VISIT
        return Verdict.WATCH if self.score < WATCH else Verdict.GOOD


@dataclass(slots=True)
class _Record:
    """Of one node; weights by age."""

    cluster: str = ""
    operations: int = 0
    failures: int = 0
    weight: float = 0.0
    failed: float = 0.0
    retried: float = 0.0
    last: NodeRow | None = None


@dataclass(slots=True)
class _Operation:
    """How many nodes it had, and how many failed in which place."""

    nodes: int = 0
    failed: Counter[str] = field(default_factory=Counter)


def health(rows: Sequence[NodeRow], boots: Iterable[Boots], *, now: float) -> Sequence[Health]:
    """Every node that has a row that tells of success or failure, the sickest first."""
    told = [row for row in rows if row.progress is not Progress.ABORTED and row.trip.started >= now - LOOKED_BACK]
    operations = _operations(told)
    records: dict[str, _Record] = {}
    for row in sorted(told, key=lambda row: row.ended):
        _add(records.setdefault(row.node, _Record()), row, operations[row.trip.operation], now)
    usual = _usual_retries(records.values())
    drifts = _drifts(boots)
    found = [_health(node, record, usual[record.cluster], drifts.get(node)) for node, record in records.items()]
    return sorted(found, key=lambda each: (each.score, -each.failures, natural_key(each.node)))


def _operations(rows: Iterable[NodeRow]) -> Mapping[str, _Operation]:
    operations: dict[str, _Operation] = {}
    for row in rows:
        operation = operations.setdefault(row.trip.operation, _Operation())
        operation.nodes += 1
        if row.progress is not Progress.OK:
            operation.failed[f"{row.macro}-{row.micro}"] += 1
    return operations


def _add(record: _Record, row: NodeRow, operation: _Operation, now: float) -> None:
    weight = 0.5 ** (max(now - row.ended, 0.0) / HALF_LIFE)
    record.cluster = row.trip.cluster
    record.operations += 1
    record.weight += weight
    record.retried += weight * row.trip.retries
    if row.progress is not Progress.OK:
        others = operation.nodes - 1
        alike = (operation.failed[f"{row.macro}-{row.micro}"] - 1) / others if others else 0.0
        record.failures += 1
        record.failed += weight * (1.0 - alike)
        record.last = row


def _usual_retries(records: Iterable[_Record]) -> Mapping[str, float]:
    """The median of its nodes, by cluster."""
    by_cluster: dict[str, list[float]] = {}
    for record in records:
        by_cluster.setdefault(record.cluster, []).append(record.retried / record.weight)
    return {cluster: median(values) for cluster, values in by_cluster.items()}


def _drifts(boots: Iterable[Boots]) -> Mapping[str, tuple[float, float]]:
    """Of each node the ratio where it is largest, and the median boot there."""
    groups: dict[tuple[str, str], dict[str, list[float]]] = {}
    for wait in boots:
        group = groups.setdefault((wait.cluster, wait.way), {})
        for node, seconds in wait.seconds.items():
            group.setdefault(node, []).append(seconds)
    drifts: dict[str, tuple[float, float]] = {}
    for group in groups.values():
        medians = {node: median(taken) for node, taken in group.items()}
        usual = quantile(((value, 1.0) for value in medians.values()), 0.5)
        for node, own in medians.items():
            if len(group[node]) >= LEAST_BOOTS and len(medians) >= LEAST_NODES and usual > 0:
                drifts[node] = max(drifts.get(node, (0.0, 0.0)), (own / usual, own))
    return drifts


def _health(node: str, record: _Record, usual: float, drift: tuple[float, float] | None) -> Health:
    ratio, seconds = drift or (0.0, 0.0)
    retries = record.retried / record.weight
    failing = record.failed / (record.weight + 1.0)
    slow = _part((ratio - TOLERATED) / (HOPELESS - TOLERATED))
    retried = _part((retries - usual) / MANY_RETRIES)
    last = record.last
    return Health(
        node=node,
        cluster=record.cluster,
        score=round(100.0 - FAILING * _part(failing) - SLOW * slow - RETRIED * retried, 1),
        operations=record.operations,
        failures=record.failures,
        retries=round(retries, 2),
        boot_seconds=round(seconds, 1),
        boot_ratio=round(ratio, 2),
        last_failure=last.ended if last else 0.0,
        reason=last.error if last else "",
    )


def _part(value: float) -> float:
    return min(max(value, 0.0), 1.0)
