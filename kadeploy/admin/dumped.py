"""A whole dump of Kadeploy3's database as what is to be taken over, with every fault of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeVar

from kadeploy.admin.from_kadeploy3 import environment, number, right
from kadeploy.admin.mysql_dump import Dump, Row
from kadeploy.admin.past_of_kadeploy3 import past, state
from kadeploy.domain.environment import Environment
from kadeploy.domain.rights import EVERY, Right
from kadeploy.domain.statistics import NodeRow
from kadeploy.errors import Faults
from kadeploy.ports.store import NodeRecord
from kadeploy.store.imported import Incoming

TABLES: Final = ("environments", "rights", "nodes", "log")
T = TypeVar("T")


@dataclass(slots=True)
class Taken:
    """What a dump holds. Faults and notes are `line N: table: what`; the same said of many rows is said once."""

    incoming: Incoming = field(default_factory=Incoming)
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Reading:
    """Converts rows, and counts what is wrong with them."""

    faults: Counter[str] = field(default_factory=Counter)
    lines: dict[str, int] = field(default_factory=dict)

    def each(self, rows: list[Row], convert: Callable[[Row], T]) -> Iterator[T]:
        for row in rows:
            try:
                yield convert(row)
            except Faults as error:
                for fault in error.faults:
                    self._note(row, f"{row.table}: {_called(row)}{fault}")

    def _note(self, row: Row, said: str) -> None:
        self.faults[said] += 1
        self.lines.setdefault(said, row.line)

    def told(self) -> list[str]:
        return [
            f"line {self.lines[said]}: {said}" + (f" (and {count - 1} rows more)" if count > 1 else "")
            for said, count in sorted(self.faults.items(), key=lambda one: self.lines[one[0]])
        ]


def taken_from(text: str, cluster_of: Mapping[str, str]) -> Taken:
    """`cluster_of` names the cluster of each node of this site."""
    dump = Dump(text, TABLES)
    rows: dict[str, list[Row]] = {table: [] for table in TABLES}
    reading = _Reading()
    notes: list[str] = []
    log: list[NodeRow] = []
    for row in dump.rows():
        if row.table == "log":  # may be millions, and is not kept twice
            log += reading.each([row], lambda one: past(one, cluster_of))
        else:
            rows[row.table].append(row)
    environments = _environments(rows["environments"], reading, notes)
    rights = list(dict.fromkeys(reading.each(rows["rights"], right)))
    nodes = _nodes(rows, reading, notes, cluster_of)
    notes += _strangers(rights, cluster_of)
    return Taken(
        incoming=Incoming(environments=environments, rights=rights, nodes=nodes, past=_counted(log)),
        faults=[*dump.faults, *reading.told()],
        notes=notes,
    )


def _environments(rows: list[Row], reading: _Reading, notes: list[str]) -> list[Environment]:
    found: dict[tuple[str, str, int], Environment] = {}
    for described in reading.each(rows, environment):
        one = described.environment
        called = f"{one.name} version {one.version} of {one.user}"
        notes += [f"environment {called}: {warning}" for warning in described.warnings]
        if not one.image.file.startswith(("server:", "http:", "https:")):
            notes.append(f"environment {called}: its image {one.image.file} is on a user's own machine")
        if (one.user, one.name, one.version) in found:
            notes.append(f"environment {called}: is there twice, the last one counts")
        found[one.user, one.name, one.version] = one
    return list(found.values())


def _nodes(
    rows: Mapping[str, list[Row]], reading: _Reading, notes: list[str], cluster_of: Mapping[str, str]
) -> dict[str, NodeRecord]:
    known: dict[int, Row] = dict(reading.each(rows["environments"], lambda row: (number(row.values, "id"), row)))
    own = [row for row in rows["nodes"] if str(row.values.get("hostname")) in cluster_of]
    if strange := len(rows["nodes"]) - len(own):
        notes.append(f"nodes: {strange} that are not of this site are left out")
    found = {}
    for name, record in reading.each(own, lambda row: (str(row.values["hostname"]), state(row, known))):
        if record is None:
            notes.append(f"nodes: {name} was busy there: nothing is known of it here")
        else:
            found[name] = record
    return found


def _strangers(rights: list[Right], cluster_of: Mapping[str, str]) -> Iterator[str]:
    strange = sorted({one.node for one in rights if one.node != EVERY} - cluster_of.keys())
    if strange:
        yield f"rights: on {len(strange)} nodes that are not of this site, such as {strange[0]}"


def _counted(log: list[NodeRow]) -> list[NodeRow]:
    """How many nodes of a cluster went together is not in a row, but in all of them. Of a node that is there twice the
    last row counts."""
    single = {(one.trip.operation, one.node): one for one in log}
    strength = Counter((one.trip.operation, one.trip.cluster) for one in single.values())
    return [
        replace(one, trip=replace(one.trip, strength=strength[one.trip.operation, one.trip.cluster]))
        for one in single.values()
    ]


def _called(row: Row) -> str:
    """What people know the row by; rows of the log are too many for that."""
    said = [str(row.values[key]) for key in ("name", "version", "user", "node", "hostname") if row.values.get(key)]
    return f"{' '.join(said)}: " if row.table != "log" and said else ""
