"""The board as rows: one a node while they fit, else nodes that are in the same place folded into one row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from kadeploy.cli.display import Board, Failure, SetKey, Spot, Transfer
from kadeploy.domain.nodeset import NodeSet


class RowState(StrEnum):
    RUNNING = "running"
    WAITING = "waiting"
    HELD = "held"
    KO = "ko"
    OK = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """`nodes` is folded; of several nodes' bytes, `done` and `total` are sums and `rate` is the mean."""

    state: RowState
    nodes: str
    count: int = 1
    cluster: str = ""
    set: str = ""
    macro: str = ""
    micro: str = ""
    since: float | None = None
    done: int = 0
    total: int = 0
    rate: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRow:
    """A live node set: since when it exists, and why it left another."""

    cluster: str
    set: str
    count: int
    macro: str
    since: float
    why: str


def rows(board: Board, limit: int) -> tuple[list[Row], int]:
    """At most `limit` lines: rows, running ones first if some must go, and one to tell how many were left out."""
    single = len(board.nodes) <= limit
    made = [_row(board, group) for group in _groups(board, single=single)]
    if len(made) <= limit:
        return made, 0
    order = list(RowState)
    kept = sorted(made, key=lambda row: order.index(row.state))[: max(limit - 1, 0)]
    return kept, len(made) - len(kept)


def set_rows(board: Board) -> list[SetRow]:
    """The sets that still have nodes, oldest first."""
    members: dict[SetKey, list[Spot]] = {}
    for spot in board.spots.values():
        members.setdefault((spot.cluster, spot.set), []).append(spot)
    return [
        SetRow(cluster=key[0], set=key[1], count=len(members[key]), macro=members[key][0].macro, since=since, why=why)
        for key, (since, why) in board.sets.items()
        if key in members
    ]


def reasons(board: Board) -> list[tuple[str, str]]:
    """Nodes that failed in the same place for the same reason, folded, with that reason."""
    alike: dict[str, list[str]] = {}
    for node, failure in board.ko.items():
        alike.setdefault(str(failure), []).append(node)
    return [(fold(frozenset(nodes)), reason) for reason, nodes in alike.items()]


@lru_cache(maxsize=256)
def fold(names: frozenset[str]) -> str:
    """Folded text; kept, because folding thousands of names several times a second is not free."""
    return str(NodeSet(names))


Group = tuple[RowState, Spot | Failure | None, tuple[str, ...]]


def _groups(board: Board, *, single: bool) -> Iterator[Group]:
    """Nodes in the same place: each alone in natural order, or together in the order of their places."""
    together: dict[tuple[RowState, object], list[str]] = {}
    for node in board.nodes if single else board.nodes.names:
        state, place = _place(board, node)
        if single:
            yield state, place, (node,)
        else:
            together.setdefault((state, place), []).append(node)
    for (state, where), nodes in sorted(together.items(), key=lambda item: _rank(item[0])):
        yield state, where if isinstance(where, Spot | Failure) else None, tuple(nodes)


def _place(board: Board, node: str) -> tuple[RowState, Spot | Failure | None]:
    if node in board.ko:
        return RowState.KO, board.ko[node]
    if node in board.ok:
        return RowState.OK, None
    spot = board.spots.get(node)
    if node in board.held:
        return RowState.HELD, spot
    return (RowState.RUNNING, spot) if spot else (RowState.WAITING, None)


def _rank(key: tuple[RowState, object]) -> tuple[int, str, str]:
    state, place = key
    at = (place.cluster, place.set) if isinstance(place, Spot) else ("", str(place))
    return (list(RowState).index(state), *at)


def _row(board: Board, group: Group) -> Row:
    state, place, nodes = group
    names = nodes[0] if len(nodes) == 1 else fold(frozenset(nodes))
    if isinstance(place, Failure):
        return Row(
            state=state, nodes=names, count=len(nodes), macro=place.macro, micro=place.micro, reason=place.reason
        )
    if place is None:
        return Row(state=state, nodes=names, count=len(nodes))
    moving = [transfer for node in nodes if (transfer := board.transfer(node))]
    return Row(
        state=state,
        nodes=names,
        count=len(nodes),
        cluster=place.cluster,
        set=place.set,
        macro=place.macro,
        micro=place.micro,
        since=place.since,
        done=sum(transfer.done for transfer in moving),
        total=_total(moving, len(nodes)),
        rate=sum(transfer.rate for transfer in moving) / len(moving) if moving else 0.0,
    )


def _total(moving: Iterable[Transfer], nodes: int) -> int:
    """A node that has not told its bytes yet has as many to come as the others."""
    totals = [transfer.total for transfer in moving]
    return sum(totals) * nodes // len(totals) if totals else 0
