"""Carrying out a whole operation: one walk a cluster, then the end."""

from __future__ import annotations

from kadeploy.domain.event import OperationStarted
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import OperationState, Progress
from kadeploy.engine.perform import Performer
from kadeploy.engine.plan import Place
from kadeploy.engine.runs import Runs
from kadeploy.engine.ticket import Ticket
from kadeploy.engine.walk import Json, Recorder
from kadeploy.ports.record import Conclusion


async def carry_out(operation_id: str, runs: Runs, recorder: Recorder) -> None:
    """Walk every cluster's nodes through their plan, then make the operation final. May be repeated."""
    begin = await recorder.once("begin", lambda: _begin(operation_id, runs))
    tickets = begin["tickets"]
    assert isinstance(tickets, list)
    for ticket in tickets:
        await recorder.branch(Ticket.from_json(ticket))
    await recorder.join()
    await recorder.once("end", lambda: _end(operation_id, runs.performer))
    runs.live.pop(operation_id, None)


async def _begin(operation_id: str, runs: Runs) -> Json:
    performer = runs.performer
    key = f"{operation_id}/begin"
    known = await performer.record.answer(key)
    if known is not None:
        return known
    operation, run = await performer.operations.get(operation_id), await runs.of(operation_id)
    now = performer.services.clock.now()
    groups = run.site.by_cluster(NodeSet(run.site.nodes))
    tickets = [_ticket(operation_id, cluster, nodes, now) for cluster, nodes in groups.items()]
    answer = {"tickets": [ticket.to_json() for ticket in tickets]}
    event = OperationStarted(
        operation=operation_id,
        at=now,
        user=operation.user,
        nodes=str(operation.nodes),
        clusters={cluster: str(nodes) for cluster, nodes in groups.items()},
    )
    await performer.record.conclude(
        Conclusion(operation=operation_id, nodes=NodeSet(), answers={key: answer}, events=[event])
    )
    await performer.events.announce(event)
    return answer


def _ticket(operation_id: str, cluster: str, nodes: NodeSet, now: float) -> Ticket:
    return Ticket(
        operation=operation_id,
        cluster=cluster,
        set="0",
        place=Place(),
        nodes=nodes,
        began=now,
        entered=now,
        strength=len(nodes),
    )


async def _end(operation_id: str, performer: Performer) -> Json:
    operation = await performer.operations.get(operation_id)
    was_aborted = bool(operation.aborted_by) or operation.having(Progress.ABORTED) == operation.nodes
    state = OperationState.ABORTED if was_aborted else OperationState.DONE
    error = f"aborted by {operation.aborted_by}" if operation.aborted_by else ""
    event = await performer.operations.end(operation_id, state, at=performer.services.clock.now(), error=error)
    await performer.events.announce(event)
    return {}
