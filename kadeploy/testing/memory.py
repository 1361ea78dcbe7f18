"""The store and the event log in memory, for scenario tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from kadeploy.domain.event import Event, NodeProgress, OperationEnded
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation, Outcome
from kadeploy.domain.state import OperationKind, OperationState, Progress
from kadeploy.errors import Conflict, InvalidWorkflow


class MemoryOperations:
    """Implements ports.store.Operations."""

    def __init__(self) -> None:
        self.rows: dict[str, Operation] = {}
        self.locks: dict[str, str] = {}
        self.forgotten: set[str] = set()

    async def create(self, operation: Operation, *, force: bool = False) -> None:
        busy = NodeSet(name for name in operation.nodes if name in self.locks)
        if busy and not force:
            raise Conflict(f"{busy} in another operation")
        outcomes = dict.fromkeys(operation.nodes, Outcome())
        self.rows[operation.id] = replace(operation, outcomes=outcomes)
        self.locks.update(dict.fromkeys(operation.nodes, operation.id))

    async def get(self, operation_id: str) -> Operation:
        if operation_id not in self.rows:
            raise InvalidWorkflow(f"there is no operation {operation_id}")
        return self.rows[operation_id]

    async def list(self, kind: OperationKind) -> Sequence[Operation]:
        return [row for row in self.rows.values() if row.kind is kind and row.id not in self.forgotten]

    async def running(self) -> Sequence[str]:
        return [row.id for row in self.rows.values() if not row.state.is_final]

    async def settle(self, operation_id: str, outcomes: Mapping[str, Outcome]) -> None:
        row = self.rows[operation_id]
        self.rows[operation_id] = replace(row, outcomes={**row.outcomes, **outcomes})
        self._give_back(operation_id, [n for n, o in outcomes.items() if o.progress is not Progress.PROCESSING])

    async def request_abort(self, operation_id: str) -> None:
        self.rows[operation_id] = replace(self.rows[operation_id], abort_requested=True)

    async def end(self, operation_id: str, state: OperationState, *, at: float, error: str = "") -> None:
        self.rows[operation_id] = replace(self.rows[operation_id], state=state, ended=at, error=error)
        self._give_back(operation_id, list(self.locks))

    async def forget(self, operation_id: str) -> None:
        self.forgotten.add(operation_id)

    def _give_back(self, operation_id: str, names: Sequence[str]) -> None:
        for name in names:
            if self.locks.get(name) == operation_id:
                del self.locks[name]


class MemoryEvents:
    """Implements ports.events.Events by keeping a list."""

    def __init__(self) -> None:
        self.all: list[Event] = []
        self._news = asyncio.Condition()

    async def emit(self, *events: Event) -> None:
        async with self._news:
            self.all += events
            self._news.notify_all()

    def show(self, progress: NodeProgress) -> None:
        """Progress is not kept."""

    async def follow(self, operation_id: str, *, after: int = 0) -> AsyncIterator[tuple[int, Event]]:
        number = after
        while True:
            async with self._news:
                while len(self.all) <= number:
                    await self._news.wait()
            event = self.all[number]
            number += 1
            if event.operation == operation_id:
                yield number, event
                if isinstance(event, OperationEnded):
                    return
