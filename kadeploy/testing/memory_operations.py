"""Operations in memory, with the promises of the real store: what is one transaction there has no `await` here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

from kadeploy.domain.event import Event, NodesAborted, NodesHeld, NodesResumed, OperationEnded, StepEnded
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Head, Operation, Outcome
from kadeploy.domain.state import OperationKind, OperationState, Progress
from kadeploy.errors import AlreadyExists, Conflict, InvalidWorkflow
from kadeploy.ports.record import Answer, Breakpoint, Conclusion, Ends
from kadeploy.ports.store import Created, Glimpse


class MemoryOperations:
    """Implements ports.store.Operations, ports.record.Record and ports.record.Control; events go to `journal`."""

    def __init__(self, journal: list[Event]) -> None:
        self.rows: dict[str, Operation] = {}
        self.locks: dict[str, str] = {}
        self.forgotten: set[str] = set()
        self.answers: dict[str, Answer] = {}
        self.points: dict[str, frozenset[Breakpoint]] = {}
        self.ends: list[Ends] = []
        self._journal = journal

    async def create(self, operation: Operation, *, force: bool = False, wait: bool = False) -> Created:
        if operation.once and await self.repeated(operation.user, operation.once.key):
            raise AlreadyExists(f"{operation.user} has used the key {operation.once.key!r} before")
        behind = self._holders(operation.nodes, OperationState.QUEUED)
        held = self._holders(operation.nodes, OperationState.RUNNING)
        row = replace(operation, outcomes=dict.fromkeys(operation.nodes, Outcome()))
        if (behind or held) and not force:
            if not wait:
                raise Conflict(f"some nodes are in use: {held or behind}")
            self.rows[operation.id] = replace(row, state=OperationState.QUEUED)
            return Created(is_queued=True, behind={**behind, **held})
        why = f"taken over by {operation.id}"
        taken = [
            NodesAborted(operation=other, at=operation.created, nodes=str(nodes), by=operation.user, why=why)
            for other, nodes in held.items()
        ]
        events = [event for asked in taken if (event := self._withdraw(asked))]
        self.rows[operation.id] = row
        self.locks.update(dict.fromkeys(operation.nodes, operation.id))
        return Created(taken=events)

    async def admit(self) -> Sequence[str]:
        admitted: list[str] = []
        taken = set(self.locks)
        for row in [row for row in self.rows.values() if row.state is OperationState.QUEUED and not row.aborted_by]:
            if not row.unfinished.names & taken:
                self.rows[row.id] = replace(row, state=OperationState.RUNNING)
                self.locks.update(dict.fromkeys(row.unfinished, row.id))
                admitted.append(row.id)
            taken |= row.unfinished.names
        return admitted

    async def get(self, operation_id: str, *, even_forgotten: bool = False) -> Operation:
        if operation_id not in self.rows or (operation_id in self.forgotten and not even_forgotten):
            raise InvalidWorkflow(f"there is no operation {operation_id}")
        return self.rows[operation_id]

    async def glimpse(self, operation_id: str, *, even_forgotten: bool = False) -> Glimpse:
        row = await self.get(operation_id, even_forgotten=even_forgotten)
        head = Head(**{one.name: getattr(row, one.name) for one in fields(Head)})
        return Glimpse(head=head, number=sum(event.operation == operation_id for event in self._journal))

    async def glimpses(self, kind: OperationKind) -> Sequence[Glimpse]:
        return [await self.glimpse(row.id) for row in await self.list(kind)]

    async def repeated(self, user: str, key: str) -> Operation | None:
        mine = (row for row in self.rows.values() if row.user == user)
        return next((row for row in mine if row.once and row.once.key == key), None)

    async def list(self, kind: OperationKind) -> Sequence[Operation]:
        return [row for row in self.rows.values() if row.kind is kind and row.id not in self.forgotten]

    async def counts(self) -> Mapping[tuple[OperationKind, OperationState], int]:
        return Counter((row.kind, row.state) for row in self.rows.values())

    async def running(self) -> Sequence[str]:
        return [row.id for row in self.rows.values() if row.state is OperationState.RUNNING]

    async def queued(self) -> Sequence[str]:
        return [row.id for row in self.rows.values() if row.state is OperationState.QUEUED]

    async def end(self, operation_id: str, state: OperationState, *, at: float, error: str = "") -> OperationEnded:
        row = self.rows[operation_id]
        is_first = not row.state.is_final
        if is_first:
            row = self.rows[operation_id] = replace(row, state=state, ended=at, error=error)
        self._give_back(operation_id, row.nodes)
        ok = row.having(Progress.OK)
        told = {"at": row.ended, "state": row.state, "ok": str(ok), "ko": str(row.nodes - ok), "error": row.error}
        event = OperationEnded(operation=operation_id, **told)  # type: ignore[arg-type]
        if is_first:
            self._journal.append(event)
        return event

    async def forget(self, operation_id: str) -> None:
        self.forgotten.add(operation_id)

    async def prune(self, before: float) -> Sequence[str]:
        old = [row.id for row in self.rows.values() if row.state.is_final and row.ended < before]
        for operation_id in old:
            del self.rows[operation_id]
        self._journal[:] = [event for event in self._journal if event.operation not in old]
        return old

    async def answer(self, key: str) -> Answer | None:
        return self.answers.get(key)

    async def steps(self, operation_id: str) -> Sequence[StepEnded]:
        own = (event for event in self._journal if event.operation == operation_id)
        return [event for event in own if isinstance(event, StepEnded)]

    async def conclude(self, conclusion: Conclusion) -> NodeSet:
        gone = self.rows[conclusion.operation].having(Progress.ABORTED) & conclusion.nodes
        if not gone:
            assert not self.answers.keys() & conclusion.answers.keys(), "a visit was concluded twice"
            self.answers.update(conclusion.answers)
            if conclusion.ends is not None:
                self.ends.append(conclusion.ends)
            self._settle(conclusion.operation, conclusion.outcomes)
            ended = [name for name, outcome in conclusion.outcomes.items() if outcome.progress.is_final]
            self._give_back(conclusion.operation, NodeSet(ended))
            self._journal += conclusion.events
        return gone

    async def hold(self, event: NodesHeld) -> NodesHeld | None:
        point = (event.macro + event.instance, event.micro)
        nodes = self.rows[event.operation].having(Progress.PROCESSING) & NodeSet.parse(event.nodes)
        if not nodes or point in self.points.get(event.operation, ()):
            return None
        held = Outcome(progress=Progress.HELD, macro=point[0], micro=point[1])
        self._settle(event.operation, dict.fromkeys(nodes, held))
        self._journal.append(replace(event, nodes=str(nodes)))
        return replace(event, nodes=str(nodes))

    async def lifted(self, operation_id: str) -> frozenset[Breakpoint]:
        return self.points.get(operation_id, frozenset())

    async def resume(self, operation_id: str, *, by: str, at: float) -> NodesResumed | None:
        row = self.rows[operation_id]
        nodes = row.having(Progress.HELD)
        if not nodes:
            return None
        points = {(row.outcomes[name].macro, row.outcomes[name].micro) for name in nodes}
        self.points[operation_id] = self.points.get(operation_id, frozenset()) | points
        self._settle(operation_id, dict.fromkeys(nodes, Outcome()))
        event = NodesResumed(operation=operation_id, at=at, nodes=str(nodes), by=by)
        self._journal.append(event)
        return event

    async def withdraw(self, asked: NodesAborted, *, entirely: bool = False) -> NodesAborted | None:
        row = self.rows[asked.operation]
        if entirely and not row.state.is_final:
            self.rows[asked.operation] = replace(row, aborted_by=row.aborted_by or asked.by)
            asked = replace(asked, nodes=str(row.nodes))
        return self._withdraw(asked)

    async def release(self, operation_id: str) -> None:
        row = self.rows[operation_id]
        self._give_back(operation_id, row.nodes - row.unfinished)

    def _withdraw(self, asked: NodesAborted) -> NodesAborted | None:
        row = self.rows[asked.operation]
        nodes = row.unfinished & NodeSet.parse(asked.nodes)
        if not nodes:
            return None
        event = replace(asked, nodes=str(nodes))
        was = row.outcomes
        ended = {name: replace(was[name], progress=Progress.ABORTED, reason=event.reason, output="") for name in nodes}
        self._settle(asked.operation, ended)
        self._journal.append(event)
        return event

    def _settle(self, operation_id: str, outcomes: Mapping[str, Outcome]) -> None:
        row = self.rows[operation_id]
        new = {name: outcome for name, outcome in outcomes.items() if not row.outcomes[name].progress.is_final}
        self.rows[operation_id] = replace(row, outcomes={**row.outcomes, **new})

    def _holders(self, nodes: NodeSet, state: OperationState) -> dict[str, NodeSet]:
        """Nodes that operations in this state hold, or wait for."""
        rows = [row for row in self.rows.values() if row.state is state]
        if state is OperationState.QUEUED:
            wanted = {row.id: row.unfinished & nodes for row in rows}
        else:
            wanted = {row.id: NodeSet(n for n in nodes if self.locks.get(n) == row.id) for row in rows}
        return {operation: some for operation, some in wanted.items() if some}

    def _give_back(self, operation_id: str, nodes: NodeSet) -> None:
        for name in nodes.names:
            if self.locks.get(name) == operation_id:
                del self.locks[name]
