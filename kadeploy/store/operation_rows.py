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
        "abort_requested": operation.abort_requested,
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
    }


def operation_from(row: RowMapping, outcomes: Iterable[tuple[str, ...]]) -> Operation:
    """`row` may lack the plans; an outcome is a row of its table, in the order of its columns."""
    by_node = {node: _outcome(rest) for _, node, *rest in outcomes}
    return Operation(
        id=row["id"],
        kind=OperationKind(row["kind"]),
        user=row["user"],
        nodes=NodeSet(by_node),
        created=row["created"],
        ended=row["ended"],
        state=OperationState(row["state"]),
        error=row["error"],
        abort_requested=row["abort_requested"],
        environment=row["environment"],
        plans=row.get("plans", {}),
        outcomes=by_node,
    )


def _outcome(values: list[str]) -> Outcome:
    progress, macro, micro, reason, output = values
    return Outcome(progress=Progress(progress), macro=macro, micro=micro, reason=reason, output=output)
