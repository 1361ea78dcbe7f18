"""Operations and outcomes as rows, and back."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import RowMapping

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation, Outcome
from kadeploy.domain.state import OperationKind, OperationState, Progress


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
        "forgotten": False,
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


def operation_from(row: RowMapping, outcomes: Iterable[RowMapping]) -> Operation:
    """`row` may lack the plans."""
    by_node = {outcome["node"]: _outcome(outcome) for outcome in outcomes}
    return Operation(
        id=row["id"],
        kind=OperationKind(row["kind"]),
        user=row["user"],
        nodes=NodeSet(by_node),
        created=row["created"],
        ended=row["ended"],
        state=OperationState(row["state"]),
        error=row["error"],
        aborted_by=row["aborted_by"],
        environment=row["environment"],
        plans=row.get("plans", {}),
        outcomes=by_node,
    )


def _outcome(row: RowMapping) -> Outcome:
    return Outcome(
        progress=Progress(row["progress"]),
        macro=row["macro"],
        micro=row["micro"],
        reason=row["reason"],
        output=row["output"],
        tried=row["tried"],
    )
