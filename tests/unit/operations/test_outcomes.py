"""What is recorded of a node during an operation and after it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pytest

from kadeploy.domain.event import Event
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation, Outcome
from kadeploy.domain.power import PowerAction
from kadeploy.domain.request import PowerRequest, RebootKind, RebootRequest
from kadeploy.domain.state import NodeState, OperationKind, Progress
from kadeploy.engine.plan import Plan
from kadeploy.operations.outcomes import NodeStates, Purpose, purpose_of, record_after
from kadeploy.plans.build import build_deploy, build_power
from kadeploy.plans.codec import encode
from kadeploy.plans.reboot import build_reboot
from kadeploy.ports.record import Conclusion
from kadeploy.ports.store import NodeRecord
from kadeploy.testing.memory_operations import MemoryOperations
from kadeploy.testing.sites import request_for, site_of
from tests.unit.operations import stories

NODES = NodeSet.parse("node-[1-3]")
SITE = site_of(3)
OLD = {"name": "old", "version": 1, "user": "bob"}
NEW = {"name": "debian12", "version": 1, "user": "alice"}


class DictNodes:
    """Implements ports.store.Nodes; `writes` counts calls."""

    def __init__(self, **records: NodeRecord) -> None:
        self.records = {name.replace("_", "-"): record for name, record in records.items()}
        self.writes = 0

    async def get(self, nodes: NodeSet) -> Mapping[str, NodeRecord]:
        return {name: record for name, record in self.records.items() if name in nodes}

    async def set(self, nodes: NodeSet, record: NodeRecord) -> None:
        self.writes += 1
        self.records.update(dict.fromkeys(nodes, record))

    async def counts(self) -> Mapping[NodeState, int]:
        return Counter(record.state for record in self.records.values())


def operation_of(plan: Plan, kind: OperationKind) -> Operation:
    return Operation(
        id=stories.OPERATION,
        kind=kind,
        user="alice",
        nodes=NODES,
        created=50.0,
        environment=NEW if kind is OperationKind.DEPLOYMENT else None,
        plans={"sim": encode(plan)},
    )


DEPLOYMENT = operation_of(build_deploy(request_for(NODES), SITE, "sim"), OperationKind.DEPLOYMENT)
SIMPLE = operation_of(build_reboot(RebootRequest(nodes=NODES), SITE, "sim"), OperationKind.REBOOT)
MINIMAL = operation_of(
    build_reboot(RebootRequest(nodes=NODES, kind=RebootKind.DEPLOY_ENV), SITE, "sim"), OperationKind.REBOOT
)
OFF = operation_of(build_power(PowerRequest(nodes=NODES, action=PowerAction.OFF), SITE, "sim"), OperationKind.POWER)
ASKED = operation_of(
    build_power(PowerRequest(nodes=NODES, action=PowerAction.STATUS), SITE, "sim"), OperationKind.POWER
)


@pytest.mark.parametrize(
    ("operation", "progress", "state", "environment"),
    [
        (DEPLOYMENT, Progress.PROCESSING, NodeState.DEPLOYING, NEW),
        (DEPLOYMENT, Progress.OK, NodeState.DEPLOYED, NEW),
        (DEPLOYMENT, Progress.KO, NodeState.DEPLOY_FAILED, NEW),
        (DEPLOYMENT, Progress.ABORTED, NodeState.ABORTED, NEW),
        (SIMPLE, Progress.PROCESSING, NodeState.REBOOTING, OLD),
        (SIMPLE, Progress.OK, NodeState.REBOOTED, OLD),
        (SIMPLE, Progress.KO, NodeState.REBOOT_FAILED, OLD),
        (MINIMAL, Progress.OK, NodeState.DEPLOY_ENV, None),
        (MINIMAL, Progress.KO, NodeState.REBOOT_FAILED, OLD),
        (OFF, Progress.OK, NodeState.POWERED, OLD),
        (OFF, Progress.KO, NodeState.POWER_FAILED, OLD),
    ],
)
def test_the_rule(
    operation: Operation, progress: Progress, state: NodeState, environment: Mapping[str, object] | None
) -> None:
    record = record_after(purpose_of(operation), progress, 7.0, OLD)
    assert record == NodeRecord(state=state, user="alice", at=7.0, environment=environment)


def test_asking_for_power_leaves_nodes_as_they_are() -> None:
    assert all(record_after(purpose_of(ASKED), progress, 7.0, OLD) is None for progress in Progress)


def test_purposes() -> None:
    assert purpose_of(MINIMAL) == Purpose(kind=OperationKind.REBOOT, user="alice", to_minimal=True)
    assert purpose_of(ASKED) == Purpose(kind=OperationKind.POWER, user="alice", only_asks=True)


def listened(operation: Operation, nodes: DictNodes, *batches: list[Event]) -> None:
    async def scenario() -> None:
        operations = MemoryOperations([])
        await operations.create(operation)
        states = NodeStates(operations, nodes)
        for batch in batches:
            await states(batch)

    asyncio.run(scenario())


def test_a_deployment_is_followed_to_its_end() -> None:
    nodes = DictNodes(node_3=NodeRecord(state=NodeState.DEPLOYED, user="bob", at=1.0, environment=OLD))
    listened(DEPLOYMENT, nodes, stories.one_node_fails()[:12], stories.one_node_fails()[12:])
    assert {name: record.state for name, record in nodes.records.items()} == {
        "node-1": NodeState.DEPLOYED,
        "node-2": NodeState.DEPLOYED,
        "node-3": NodeState.DEPLOY_FAILED,
    }
    assert all(record.environment == NEW and record.user == "alice" for record in nodes.records.values())


def test_nodes_with_the_same_fate_are_written_together() -> None:
    nodes = DictNodes()
    failed: list[Event] = [stories.failed(9.0, f"node-{number}", "m", "x") for number in (1, 2, 3)]
    listened(DEPLOYMENT, nodes, [stories.begun()], failed)
    assert nodes.writes == 2  # the begin, and the end of all three


def states_of(nodes: DictNodes) -> dict[str, NodeState]:
    return {name: record.state for name, record in nodes.records.items()}


def test_an_operation_that_was_stopped_as_a_whole_has_failed_on_those_that_no_event_told_of() -> None:
    nodes = DictNodes()
    ends: list[Event] = [stories.done(8.0, "node-1"), stories.over(9.0, state="error", ok="node-1", ko="node-[2-3]")]

    async def scenario() -> None:
        operations = MemoryOperations([])
        await operations.create(DEPLOYMENT)
        done = {"node-1": Outcome(progress=Progress.OK)}
        await operations.conclude(Conclusion(operation=DEPLOYMENT.id, nodes=NodeSet(["node-1"]), outcomes=done))
        states = NodeStates(operations, nodes)
        await states(ends[:1])
        await states(ends[1:])

    asyncio.run(scenario())
    failed = dict.fromkeys(("node-2", "node-3"), NodeState.DEPLOY_FAILED)
    assert states_of(nodes) == {"node-1": NodeState.DEPLOYED, **failed}


def test_held_resumed_and_aborted() -> None:
    nodes = DictNodes()
    held = stories.held(8.0, "node-[1-2]")
    listened(DEPLOYMENT, nodes, [stories.begun()], [held])
    assert states_of(nodes)["node-1"] is NodeState.HELD
    listened(DEPLOYMENT, nodes, [held], [stories.resumed(9.0, "node-[1-2]"), stories.aborted(9.5, "node-2")])
    assert states_of(nodes)["node-1"] is NodeState.DEPLOYING
    assert states_of(nodes)["node-2"] is NodeState.ABORTED


def test_whoever_only_waited_for_nodes_has_made_nothing_of_them() -> None:
    nodes = DictNodes()

    async def scenario() -> None:
        operations = MemoryOperations([])
        await operations.create(replace(DEPLOYMENT, id="D-0"))
        assert (await operations.create(DEPLOYMENT, wait=True)).is_queued
        await NodeStates(operations, nodes)([stories.aborted(9.0, "node-[1-3]")])

    asyncio.run(scenario())
    assert nodes.records == {}


def test_what_a_killed_server_had_no_time_to_write_is_put_right() -> None:
    busy = NodeRecord(state=NodeState.DEPLOYING, user="alice", at=1.0)
    nodes = DictNodes(node_1=busy, node_2=busy, node_3=NodeRecord(state=NodeState.DEPLOYED, user="bob", at=99.0))

    async def scenario() -> None:
        operations = MemoryOperations([])
        await operations.create(DEPLOYMENT)
        done = dict.fromkeys(("node-1", "node-3"), Outcome(progress=Progress.OK))
        await operations.conclude(Conclusion(operation=DEPLOYMENT.id, nodes=NodeSet(done), outcomes=done))
        await NodeStates(operations, nodes).recover()

    asyncio.run(scenario())
    assert states_of(nodes)["node-1"] is NodeState.DEPLOYED
    assert nodes.records["node-2"] == busy
    assert nodes.records["node-3"].user == "bob"
