"""What the database says of a node while it is operated and afterwards: the rule, and its listener."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from kadeploy.domain.event import (
    Event,
    NodeFailed,
    NodesAborted,
    NodesDone,
    NodesHeld,
    NodesResumed,
    OperationEnded,
    OperationStarted,
)
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation
from kadeploy.domain.state import BUSY, FAILED, SUCCEEDED, NodeState, OperationKind, OperationState, Progress
from kadeploy.errors import InvalidWorkflow
from kadeploy.operations.board import unfold
from kadeploy.plans.codec import decode
from kadeploy.ports.store import NodeRecord, Nodes, Operations

_TELLING: Final = frozenset(
    {OperationStarted, NodesHeld, NodesResumed, NodesDone, NodesAborted, NodeFailed, OperationEnded}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """What an operation makes of nodes. `only_asks`: it leaves them as they are; `to_minimal`: it boots them there;
    `to_recorded`: into an environment installed before."""

    kind: OperationKind
    user: str
    environment: Mapping[str, object] | None = None
    only_asks: bool = False
    to_minimal: bool = False
    to_recorded: bool = False


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
        to_recorded="RecordedEnv" in instances,
    )


def record_after(
    purpose: Purpose, progress: Progress, at: float, before: Mapping[str, object] | None
) -> NodeRecord | None:
    """What is recorded of a node that is now so in the operation; None: nothing. `before` was its environment."""
    if purpose.only_asks:
        return None
    state = {
        Progress.PROCESSING: BUSY[purpose.kind],
        Progress.HELD: NodeState.HELD,
        Progress.OK: _succeeded(purpose),
        Progress.KO: FAILED[purpose.kind],
        Progress.ABORTED: NodeState.ABORTED,
    }[progress]
    environment = before
    if purpose.kind is OperationKind.DEPLOYMENT:
        environment = purpose.environment
    elif state is NodeState.DEPLOY_ENV:
        environment = None
    elif state is NodeState.RECORDED_ENV:
        environment = purpose.environment
    return NodeRecord(state=state, user=purpose.user, at=at, environment=environment)


def _succeeded(purpose: Purpose) -> NodeState:
    if purpose.to_minimal:
        return NodeState.DEPLOY_ENV
    return NodeState.RECORDED_ENV if purpose.to_recorded else SUCCEEDED[purpose.kind]


class NodeStates:
    """A listener of the event log: writes node states as the events come."""

    def __init__(self, operations: Operations, nodes: Nodes) -> None:
        self._operations = operations
        self._nodes = nodes
        self._purposes: dict[str, Purpose] = {}

    async def __call__(self, events: Sequence[Event]) -> None:
        for operation in dict.fromkeys(event.operation for event in events):
            own = [event for event in events if event.operation == operation]
            if any(type(event) in _TELLING for event in own):
                await self._follow(operation, own)

    async def recover(self) -> None:
        """Put right what a server that was killed had recorded of operations, but no longer of nodes."""
        newest: dict[str, Operation] = {}
        for kind in OperationKind:
            for operation in await self._operations.list(kind):
                if operation.state is not OperationState.QUEUED:
                    newest.update(
                        {name: operation for name in operation.nodes if _is_newer(operation, newest.get(name))}
                    )
        known = await self._nodes.get(NodeSet(newest))
        for operation in {id(operation): operation for operation in newest.values()}.values():
            became = {
                name: outcome.progress
                for name, outcome in operation.outcomes.items()
                if newest[name] is operation and outcome.progress.is_final and name in known
                if known[name].state in BUSY.values()
            }
            if became and (purpose := await self._purpose(operation.id)):
                await self._write(purpose, became, operation.ended or operation.created)

    async def _follow(self, operation_id: str, events: Sequence[Event]) -> None:
        purpose = await self._purpose(operation_id)
        if purpose is None:
            return
        became: dict[str, Progress] = {}
        for event in events:
            became.update(await self._became(event))
            if isinstance(event, OperationEnded):
                self._purposes.pop(operation_id, None)
        await self._write(purpose, became, events[-1].at)

    async def _became(self, event: Event) -> Mapping[str, Progress]:
        match event:
            case OperationStarted() | NodesResumed():
                return dict.fromkeys(unfold(event.nodes), Progress.PROCESSING)
            case NodesHeld():
                return dict.fromkeys(unfold(event.nodes), Progress.HELD)
            case NodesDone():
                return dict.fromkeys(unfold(event.nodes), Progress.OK)
            case NodeFailed():
                return {event.node: Progress.KO}
            case NodesAborted():
                # One that has only waited for nodes has made nothing of them.
                was_queued = (await self._operations.get(event.operation)).state is OperationState.QUEUED
                return {} if was_queued else dict.fromkeys(unfold(event.nodes), Progress.ABORTED)
            case OperationEnded():
                return await self._left_over(event)
            case _:
                return {}

    async def _purpose(self, operation_id: str) -> Purpose | None:
        if operation_id not in self._purposes:
            try:
                self._purposes[operation_id] = purpose_of(await self._operations.get(operation_id))
            except InvalidWorkflow:
                return None
        return self._purposes[operation_id]

    async def _left_over(self, event: OperationEnded) -> Mapping[str, Progress]:
        """Nodes that no event gave an end: the operation was stopped as a whole."""
        operation = await self._operations.get(event.operation)
        return dict.fromkeys(operation.unfinished - unfold(event.ok), Progress.KO)

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


def _is_newer(operation: Operation, other: Operation | None) -> bool:
    return other is None or operation.created > other.created
