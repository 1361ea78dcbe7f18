"""The files that an operation has fetched, as its record has them: beside the answer of the visit that fetched them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from kadeploy.domain.awaited import Fetched, FetchedFile
from kadeploy.domain.operation import Operation
from kadeploy.engine.ticket import Ticket
from kadeploy.ports.record import Answer, Record


def answers_of(ticket: Ticket, fetched: Fetched) -> Mapping[str, Answer]:
    """What a visit that fetched them concludes beside its own answer; nothing when it fetched none."""
    if not fetched:
        return {}
    return {_key(ticket.operation, ticket.cluster): {str(number): one.to_json() for number, one in fetched.items()}}


async def fetched_by(record: Record, operation: Operation) -> Fetched:
    """All that any cluster's visits of it have recorded: its clusters need the same files."""
    known: dict[int, FetchedFile] = {}
    for cluster in operation.plans:
        answer = await record.answer(_key(operation.id, cluster)) or {}
        known.update(
            {int(number): FetchedFile.from_json(cast(Mapping[str, Any], one)) for number, one in answer.items()}
        )
    return known


def _key(operation: str, cluster: str) -> str:
    return f"{operation}/{cluster}/files"
