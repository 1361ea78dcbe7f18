"""What the database says of a node while it is operated and afterwards: the rule, and its listener."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kadeploy.domain.event import Event, NodeFailed, NodesDone, OperationEnded
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation
from kadeploy.domain.state import BUSY, FAILED, SUCCEEDED, NodeState, OperationKind, OperationState, Progress
from kadeploy.engine.perform import ABORTED
from kadeploy.errors import InvalidWorkflow
from kadeploy.operations.board import unfold
from kadeploy.plans.codec import decode
from kadeploy.ports.store import NodeRecord, Nodes, Operations


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What an operation makes of nodes. `only_asks`: it leaves them as they are; `to_minimal`: it boots them there."""

    kind: OperationKind
    user: str
    environment: Mapping[str, object] | None = None
    only_asks: bool = False
    to_minimal: bool = False


def purpose_of(operation: Operation) -> Purpose:
    """From the operation and the instances in its plans."""
    plans = [decode(plan) for plan in operation.plans.values()]
    instances = {attempt.instance for plan in plans for stage in plan.stages for attempt in stage.attempts}
    return Purpose(
        kind=operation.kind,
        user=operation.user,
        environment=operation.environment,
        only_asks=instances == {"Status"},
        to_minimal="DeployEnv" in instances,
    )


def record_after(
    purpose: Purpose, progress: Progress, at: float, before: Mapping[str, object] | None
) -> NodeRecord | None:
    """What is recorded of a node that is now so in the operation; None: nothing. `before` was its environment."""
    if purpose.only_asks:
        return None
    state = {
        Progress.PROCESSING: BUSY[purpose.kind],
        Progress.OK: NodeState.DEPLOY_ENV if purpose.to_minimal else SUCCEEDED[purpose.kind],
        Progress.KO: FAILED[purpose.kind],
        Progress.ABORTED: NodeState.ABORTED,
    }[progress]
    environment = before
    if purpose.kind is OperationKind.DEPLOYMENT:
        environment = purpose.environment
    elif state is NodeState.DEPLOY_ENV:
        environment = None
    return NodeRecord(state=state, user=purpose.user, at=at, environment=environment)


class NodeStates:
    """Writes node states at an operation's begin (`begin`), and as its events come (a listener of the event log)."""

    def __init__(self, operations: Operations, nodes: Nodes) -> None:
        self._operations = operations
        self._nodes = nodes
        self._purposes: dict[str, Purpose] = {}

    async def begin(self, operation: Operation) -> None:
        purpose = self._purposes[operation.id] = purpose_of(operation)
        await self._write(purpose, dict.fromkeys(operation.nodes, Progress.PROCESSING), operation.created)

    async def __call__(self, events: Sequence[Event]) -> None:
        for operation in dict.fromkeys(event.operation for event in events):
            own = [event for event in events if event.operation == operation]
            if any(isinstance(event, NodesDone | NodeFailed | OperationEnded) for event in own):
                await self._follow(operation, own)

    async def _follow(self, operation_id: str, events: Sequence[Event]) -> None:
        purpose = await self._purpose(operation_id)
        if purpose is None:
            return
        became: dict[str, Progress] = {}
        for event in events:
            match event:
                case NodesDone():
                    became.update(dict.fromkeys(unfold(event.nodes).names, Progress.OK))
                case NodeFailed():
                    became[event.node] = Progress.ABORTED if event.reason == ABORTED else Progress.KO
                case OperationEnded():
                    became.update(await self._left_over(event))
                    self._purposes.pop(operation_id, None)
        await self._write(purpose, became, events[-1].at)

    async def _purpose(self, operation_id: str) -> Purpose | None:
        if operation_id not in self._purposes:
            try:
                self._purposes[operation_id] = purpose_of(await self._operations.get(operation_id))
            except InvalidWorkflow:
                return None
        return self._purposes[operation_id]

    async def _left_over(self, event: OperationEnded) -> dict[str, Progress]:
        """Nodes that no event gave an end: the operation was stopped as a whole."""
        operation = await self._operations.get(event.operation)
        end = Progress.ABORTED if event.state == OperationState.ABORTED else Progress.KO
        left = operation.having(Progress.PROCESSING) | operation.having(Progress.ABORTED)
        return dict.fromkeys(left - unfold(event.ok), end)

    async def _write(self, purpose: Purpose, became: Mapping[str, Progress], at: float) -> None:
        """One write for all nodes that get the same record."""
        if not became or purpose.only_asks:
            return
        known = await self._nodes.get(NodeSet(became))
        groups: list[tuple[NodeRecord, list[str]]] = []
        for name, progress in became.items():
            before = known[name].environment if name in known else None
            record = record_after(purpose, progress, at, before)
            same = next((names for other, names in groups if other == record), None)
            if same is not None:
                same.append(name)
            elif record is not None:
                groups.append((record, [name]))
        for record, names in groups:
            await self._nodes.set(NodeSet(names), record)
