"""An engine that does what the test says: operations begin, and end when they are played to the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kadeploy.domain.event import (
    Event,
    NodeFailed,
    NodesAborted,
    NodesDone,
    NodesHeld,
    OperationStarted,
    StepEnded,
    StepStarted,
)
from kadeploy.domain.node import Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation, Outcome
from kadeploy.domain.state import OperationState, Progress
from kadeploy.operations.events import EventLog
from kadeploy.plans.codec import decode
from kadeploy.ports.clock import Clock
from kadeploy.ports.record import Conclusion, Control, Record
from kadeploy.ports.store import Operations


class ScriptedEngine:
    """Implements ports.engine.Engine; emits what the real one does, at the same moments."""

    def __init__(
        self, operations: Operations, record: Record, control: Control, events: EventLog, site: Site, clock: Clock
    ) -> None:
        self._record = record
        self._control = control
        self.forgotten: list[str] = []
        self.started: list[str] = []
        self.aborted: list[str] = []
        self.fails: Exception | None = None
        self._operations = operations
        self._events = events
        self._site = site
        self._clock = clock

    async def start(self, operation_id: str) -> None:
        if self.fails:
            raise self.fails
        self.started.append(operation_id)
        operation = await self._operations.get(operation_id)
        groups = self._site.by_cluster(operation.nodes)
        await self._events.emit(
            OperationStarted(
                operation=operation.id,
                at=self._clock.now(),
                user=operation.user,
                nodes=str(operation.nodes),
                clusters={cluster: str(nodes) for cluster, nodes in groups.items()},
            ),
            *[self.entered(operation, cluster, nodes) for cluster, nodes in groups.items()],
        )

    def entered(self, operation: Operation, cluster: str, nodes: NodeSet) -> StepStarted:
        """The first step of the operation's own plan."""
        stage = decode(operation.plans[cluster]).stages[0]
        return StepStarted(
            operation=operation.id,
            at=self._clock.now(),
            cluster=cluster,
            set="0",
            macro=stage.macro,
            instance=stage.attempts[0].instance,
            micro=stage.attempts[0].steps[0].name,
            turn=0,
            nodes=str(nodes),
        )

    async def play(
        self, operation_id: str, *, ko: Mapping[str, str] | None = None, outputs: Mapping[str, str] | None = None
    ) -> None:
        """To the end: those in `ko` fail for the reason given, the others succeed and say `outputs`."""
        operation = await self._operations.get(operation_id)
        reasons = ko or {}
        for cluster, nodes in self._site.by_cluster(operation.unfinished).items():
            events, outcomes = self._ends(operation, cluster, nodes, reasons, outputs or {})
            await self._record.conclude(
                Conclusion(operation=operation_id, nodes=nodes, outcomes=outcomes, events=events)
            )
            await self._events.announce(*events)
        await self._end(operation_id, OperationState.DONE)

    async def abort(self, operation_id: str, *, by: str, why: str = "") -> None:
        self.aborted.append(operation_id)
        await self._withdraw(operation_id, NodeSet(), by, why, entirely=True)
        await self._end(operation_id, OperationState.ABORTED)

    async def withdraw(self, operation_id: str, nodes: NodeSet, *, by: str, why: str = "") -> NodeSet:
        return await self._withdraw(operation_id, nodes, by, why)

    async def overtaken(self, event: NodesAborted) -> None:
        await self._events.announce(event)

    async def hold(self, operation_id: str) -> None:
        """Where its plan has a breakpoint in the first macro-step, else before the first step."""
        operation = await self._operations.get(operation_id)
        for cluster, nodes in self._site.by_cluster(operation.nodes).items():
            at = self.entered(operation, cluster, nodes)
            held = NodesHeld(
                operation=operation_id,
                at=at.at,
                cluster=cluster,
                set="0",
                macro=at.macro,
                instance=at.instance,
                micro=self._breakpoint(operation, cluster) or at.micro,
                nodes=str(nodes),
            )
            if event := await self._control.hold(held):
                await self._events.announce(event)

    def _breakpoint(self, operation: Operation, cluster: str) -> str:
        steps = decode(operation.plans[cluster]).stages[0].attempts[0].steps
        return next((step.name for step in steps if step.breakpoint), "")

    async def resume(self, operation_id: str, *, by: str) -> NodeSet:
        event = await self._control.resume(operation_id, by=by, at=self._clock.now())
        if event is None:
            return NodeSet()
        await self._events.announce(event)
        return NodeSet.parse(event.nodes)

    async def forget(self, operation_ids: Sequence[str]) -> None:
        self.forgotten += operation_ids

    async def _withdraw(
        self, operation_id: str, nodes: NodeSet, by: str, why: str, *, entirely: bool = False
    ) -> NodeSet:
        asked = NodesAborted(operation=operation_id, at=self._clock.now(), nodes=str(nodes), by=by, why=why)
        event = await self._control.withdraw(asked, entirely=entirely)
        if event is None:
            return NodeSet()
        await self._events.announce(event)
        await self._control.release(operation_id)
        return NodeSet.parse(event.nodes)

    async def _end(self, operation_id: str, state: OperationState) -> None:
        await self._events.announce(await self._operations.end(operation_id, state, at=self._clock.now()))

    def _ends(
        self,
        operation: Operation,
        cluster: str,
        nodes: NodeSet,
        reasons: Mapping[str, str],
        outputs: Mapping[str, str],
    ) -> tuple[list[Event], dict[str, Outcome]]:
        begun = self.entered(operation, cluster, nodes)
        ko = {name: reasons[name] for name in nodes if name in reasons}
        ok = NodeSet(nodes.names - ko.keys())
        macro = begun.macro + begun.instance
        place = {"operation": operation.id, "at": begun.at, "cluster": cluster, "set": "0"}
        ended = StepEnded(
            **place,  # type: ignore[arg-type]
            macro=begun.macro,
            instance=begun.instance,
            micro=begun.micro,
            turn=0,
            seconds=1.0,
            ok=str(ok),
            ko=ko,
        )
        events: list[Event] = [ended]
        events += [
            NodeFailed(**place, node=name, macro=macro, micro=begun.micro, reason=why)  # type: ignore[arg-type]
            for name, why in ko.items()
        ]
        if ok:
            said = {name: text for name, text in outputs.items() if name in ok}
            events.append(NodesDone(**place, nodes=str(ok), outputs=said))  # type: ignore[arg-type]
        outcomes = {
            name: Outcome(progress=Progress.KO, macro=macro, micro=begun.micro, reason=why) for name, why in ko.items()
        }
        outcomes.update({name: Outcome(progress=Progress.OK, output=outputs.get(name, "")) for name in ok})
        return events, outcomes
