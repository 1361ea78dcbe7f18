"""Carrying out a whole operation: one walk a cluster, then the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from kadeploy.domain.event import OperationEnded, OperationStarted
from kadeploy.domain.operation import Operation
from kadeploy.domain.state import OperationState, Progress
from kadeploy.engine.perform import Performer, Run
from kadeploy.engine.plan import Place, Plan
from kadeploy.engine.ticket import Ticket
from kadeploy.engine.walk import Json, Recorder

DecodePlan = Callable[[object], Plan]


@dataclass(slots=True, kw_only=True)
class Runs:
    """The operations being carried out by this server now, loaded from the store when first needed."""

    performer: Performer
    decode: DecodePlan
    live: dict[str, Run] = field(default_factory=dict)

    async def of(self, operation_id: str) -> Run:
        if operation_id not in self.live:
            operation = await self.performer.operations.get(operation_id)
            self.live.setdefault(operation_id, self._load(operation))
        return self.live[operation_id]

    async def abort(self, operation_id: str) -> None:
        """What runs is cancelled, and what has not begun never will; holds across a restart."""
        await self.performer.operations.request_abort(operation_id)
        (await self.of(operation_id)).abort()

    def _load(self, operation: Operation) -> Run:
        plans = {cluster: self.decode(plan) for cluster, plan in operation.plans.items()}
        return Run(operation=operation.id, user=operation.user, plans=plans, aborted=operation.abort_requested)


async def carry_out(operation_id: str, runs: Runs, recorder: Recorder) -> None:
    """Walk every cluster's nodes through their plan, then make the operation final. May be repeated."""
    begin = await recorder.once("begin", lambda: _begin(operation_id, runs))
    tickets = begin["tickets"]
    assert isinstance(tickets, list)
    for ticket in tickets:
        await recorder.branch(Ticket.from_json(ticket))
    await recorder.join()
    await recorder.once("end", lambda: _end(operation_id, runs))
    runs.live.pop(operation_id, None)


async def _begin(operation_id: str, runs: Runs) -> Json:
    performer = runs.performer
    operation = await performer.operations.get(operation_id)
    now = performer.services.clock.now()
    groups = performer.services.site.by_cluster(operation.nodes)
    await performer.events.emit(
        OperationStarted(
            operation=operation_id,
            at=now,
            user=operation.user,
            nodes=str(operation.nodes),
            clusters={cluster: str(nodes) for cluster, nodes in groups.items()},
        )
    )
    tickets = [
        Ticket(operation=operation_id, cluster=cluster, set="0", place=Place(), nodes=nodes, began=now, entered=now)
        for cluster, nodes in groups.items()
    ]
    return {"tickets": [ticket.to_json() for ticket in tickets]}


async def _end(operation_id: str, runs: Runs) -> Json:
    performer = runs.performer
    operation = await performer.operations.get(operation_id)
    now = performer.services.clock.now()
    state = OperationState.ABORTED if operation.abort_requested else OperationState.DONE
    await performer.operations.end(operation_id, state, at=now)
    ok = operation.having(Progress.OK)
    event = OperationEnded(operation=operation_id, at=now, state=state, ok=str(ok), ko=str(operation.nodes - ok))
    await performer.events.emit(event)
    return {}
