"""Operations and outcomes as rows, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import RowMapping

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Head, Once, Operation, Outcome
from kadeploy.domain.state import OperationKind, OperationState, Progress
from kadeploy.store.tables import OUTCOMES

OutcomeRow = tuple[str, str, str, str, str, str]
_COLUMN = OUTCOMES.c
TOLD: Final = (
    _COLUMN.node,
    _COLUMN.progress,
    _COLUMN.macro,
    _COLUMN.micro,
    _COLUMN.reason,
    _COLUMN.output,
    _COLUMN.tried,
)


def operation_row(operation: Operation) -> dict[str, object]:
    return {
        "id": operation.id,
        "kind": operation.kind.value,
        "user": operation.user,
        "created": operation.created,
        "ended": operation.ended,
        "state": operation.state.value,
        "error": operation.error,
        "aborted_by": operation.aborted_by,
        "groups": list(operation.groups),
        "forgotten": False,
        "once_key": operation.once.key if operation.once else None,
        "once_digest": operation.once.digest if operation.once else None,
        "environment": None if operation.environment is None else dict(operation.environment),
        "plans": dict(operation.plans),
    }


def outcome_row(operation_id: str, node: str, outcome: Outcome) -> dict[str, object]:
    return {
        "operation": operation_id,
        "node": node,
        "progress": outcome.progress.value,
        "macro": outcome.macro,
        "micro": outcome.micro,
        "reason": outcome.reason,
        "output": outcome.output,
        "tried": outcome.tried,
    }


def head_from(row: RowMapping) -> Head:
    return Head(**_head(row))


def operation_from(row: RowMapping, outcomes: Iterable[tuple[str, OutcomeRow]]) -> Operation:
    """`row` may lack the plans. What became of ten thousand nodes is a few things: each is made once."""
    made: dict[OutcomeRow, Outcome] = {}
    by_node = {node: made.get(told) or made.setdefault(told, _outcome(told)) for node, told in outcomes}
    return Operation(**_head(row), nodes=NodeSet(by_node), plans=row.get("plans", {}), outcomes=by_node)


def _head(row: RowMapping) -> dict[str, Any]:
    return {
        "id": row["id"],
        "kind": OperationKind(row["kind"]),
        "user": row["user"],
        "created": row["created"],
        "ended": row["ended"],
        "state": OperationState(row["state"]),
        "error": row["error"],
        "aborted_by": row["aborted_by"],
        "groups": tuple(row["groups"] or ()),
        "once": Once(key=row["once_key"], digest=row["once_digest"]) if row["once_key"] is not None else None,
        "environment": row["environment"],
    }


def _outcome(told: OutcomeRow) -> Outcome:
    progress, macro, micro, reason, output, tried = told
    return Outcome(progress=Progress(progress), macro=macro, micro=micro, reason=reason, output=output, tried=tried)
