"""The in-memory twin of the durable engine: the same promises within one process, for scenario tests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from kadeploy.domain.event import NodesAborted
from kadeploy.domain.nodeset import NodeSet
from kadeploy.engine.carry_out import carry_out
from kadeploy.engine.runs import Runs
from kadeploy.engine.ticket import Ticket
from kadeploy.engine.walk import Json, walk


class MemoryEngine:
    """Implements ports.engine.Engine. `recorded` outlives it: a second engine on the same mapping resumes."""

    def __init__(self, runs: Runs, recorded: dict[str, dict[str, Json]] | None = None) -> None:
        self.runs = runs
        self.recorded: dict[str, dict[str, Json]] = {} if recorded is None else recorded
        self._tasks: dict[str, asyncio.Task[str | None]] = {}

    async def start(self, operation_id: str) -> None:
        if operation_id not in self._tasks:
            recorder = _MemoryRecorder(self, operation_id)
            self._begin(operation_id, carry_out(operation_id, self.runs, recorder))

    async def abort(self, operation_id: str, *, by: str, why: str = "") -> None:
        await self.runs.withdraw(operation_id, None, by=by, why=why)
        await self.start(operation_id)
        await self.wait(operation_id)

    async def withdraw(self, operation_id: str, nodes: NodeSet, *, by: str, why: str = "") -> NodeSet:
        return await self.runs.withdraw(operation_id, nodes, by=by, why=why)

    async def overtaken(self, event: NodesAborted) -> None:
        await self.runs.overtaken(event)

    async def resume(self, operation_id: str, *, by: str) -> NodeSet:
        return await self.runs.resume(operation_id, by=by)

    async def forget(self, operation_ids: Sequence[str]) -> None:
        for operation_id in operation_ids:
            for key in [key for key in self.recorded if key.split("/")[0] == operation_id]:
                del self.recorded[key]

    async def wait(self, workflow_id: str) -> str:
        """What the walk answers; nothing for an operation."""
        return await asyncio.shield(self._tasks[workflow_id]) or ""

    async def kill(self) -> None:
        """End like a killed process: nothing more is recorded."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def branch(self, ticket: Ticket) -> None:
        if ticket.workflow_id not in self._tasks:
            self._begin(ticket.workflow_id, self._walk(ticket))

    async def _walk(self, ticket: Ticket) -> str:
        run = await self.runs.of(ticket.operation)
        return await walk(ticket, run, self.runs.performer, _MemoryRecorder(self, ticket.workflow_id))

    def _begin(self, workflow_id: str, work: Awaitable[str | None]) -> None:
        self._tasks[workflow_id] = asyncio.ensure_future(work)


class _MemoryRecorder:
    """Implements engine.walk.Recorder."""

    def __init__(self, engine: MemoryEngine, workflow_id: str) -> None:
        self._engine = engine
        self._answers = engine.recorded.setdefault(workflow_id, {})
        self._children: list[str] = []

    async def once(self, name: str, work: Callable[[], Awaitable[Json]]) -> Json:
        if name not in self._answers:
            self._answers[name] = await work()
        return self._answers[name]

    async def branch(self, ticket: Ticket) -> None:
        await self._engine.branch(ticket)
        self._children.append(ticket.workflow_id)

    async def told(self, child: Ticket) -> str:
        return await self._engine.wait(child.workflow_id)

    async def join(self) -> None:
        for child in self._children:
            await self._engine.wait(child)
