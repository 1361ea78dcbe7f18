"""Whoever follows a whole deployment of the real engine, on the simulated cluster, sees what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from kadeploy.domain.event import Event
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Operation, new_operation_id
from kadeploy.domain.state import NodeState, OperationKind, Progress
from kadeploy.engine.perform import Performer
from kadeploy.engine.runs import Runs
from kadeploy.operations.board import Board, fold
from kadeploy.operations.boards import Boards
from kadeploy.operations.events import EventLog
from kadeploy.operations.logs import Logs
from kadeploy.operations.outcomes import NodeStates
from kadeploy.operations.status import status
from kadeploy.operations.timings import timings
from kadeploy.plans.build import build_deploy
from kadeploy.plans.codec import decode, encode
from kadeploy.testing.clock import LoopClock, run_jumping
from kadeploy.testing.cluster import SimulatedCluster
from kadeploy.testing.memory_operations import MemoryOperations
from kadeploy.testing.nodes import Fault
from kadeploy.testing.recorder import MemoryEngine
from kadeploy.testing.sites import request_for, site_of
from tests.unit.operations.journal import ListJournal
from tests.unit.operations.test_outcomes import NEW, DictNodes


class Followed:
    """A deployment of `count` nodes with everybody listening."""

    def __init__(self, count: int, faults: Mapping[str, Fault]) -> None:
        self.site = site_of(count)
        self.clock = LoopClock()
        self.journal = ListJournal()
        self.events = EventLog(self.journal)
        self.operations = MemoryOperations(self.journal.events)
        self.nodes = DictNodes()
        self.states = NodeStates(self.operations, self.nodes)
        self.events.listen(self.states)
        self.boards = Boards(self.journal, self.events)
        self.logs = Logs(self.journal)
        cluster = SimulatedCluster(self.site, self.clock, seed=1, faults=faults)
        performer = Performer(
            services=cluster.services,
            operations=self.operations,
            record=self.operations,
            control=self.operations,
            events=self.events,
        )
        self.engine = MemoryEngine(Runs(performer=performer, decode=decode))
        self.heard: list[Event] = []

    async def start(self) -> Operation:
        nodes = NodeSet(self.site.nodes)
        plan = build_deploy(request_for(nodes), self.site, "sim")
        operation = Operation(
            id=new_operation_id(OperationKind.DEPLOYMENT),
            kind=OperationKind.DEPLOYMENT,
            user="alice",
            nodes=nodes,
            created=self.clock.now(),
            environment=NEW,
            plans={"sim": encode(plan)},
        )
        await self.operations.create(operation)
        await self.engine.start(operation.id)
        return operation

    async def follow(self, operation: Operation) -> None:
        async for _, event in self.events.follow(operation.id):
            self.heard.append(event)


FAULTS = {f"node-{10 * index}": fault for index, fault in enumerate(Fault, start=1)}


def followed() -> tuple[Followed, Operation, Board, str]:
    async def scenario() -> tuple[Followed, Operation, Board, str]:
        world = Followed(200, FAULTS)
        operation = await world.start()
        following = asyncio.create_task(world.follow(operation))
        await world.engine.wait(operation.id)
        await following
        ended = await world.operations.get(operation.id)
        return world, ended, await world.boards.of(operation.id), await world.logs.take(ended)

    return run_jumping(scenario())


def test_board_states_and_logs_agree_with_the_outcomes() -> None:
    world, operation, board, log = followed()
    for progress in Progress:
        assert board.having(progress) == operation.having(progress)
    assert len(board.having(Progress.KO)) >= 4
    states = {name: record.state for name, record in world.nodes.records.items()}
    assert states == {
        name: NodeState.DEPLOYED if outcome.progress is Progress.OK else NodeState.DEPLOY_FAILED
        for name, outcome in operation.outcomes.items()
    }
    for name in operation.having(Progress.KO):
        outcome = operation.outcomes[name]
        assert board.nodes[name].reason.endswith(f"{outcome.reason} (tried: {outcome.tried})")
        assert f"Deployment of {name} failed" in log
    assert status(board, 0.0) == {
        "sim": {"OK": list(operation.having(Progress.OK)), "KO": list(operation.having(Progress.KO))}
    }


def test_a_follower_hears_every_event_in_order() -> None:
    world, _, board, _ = followed()
    kept = [event for event in world.heard if event in world.journal.events]
    assert kept == world.journal.events
    assert fold(world.journal.events).nodes.keys() == board.nodes.keys()


def test_timings_add_up() -> None:
    _, _, board, _ = followed()
    told = timings(board.steps, board.ended or 0.0)
    assert told[0].micro == "switch_pxe"
    assert all(0 <= timing.seconds <= (board.ended or 0.0) - board.started for timing in told)
    assert all(step.end is not None for step in board.steps)


@pytest.mark.parametrize("count", [1, 3])
def test_small_deployments(count: int) -> None:
    async def scenario() -> None:
        world = Followed(count, {})
        operation = await world.start()
        await world.engine.wait(operation.id)
        board = await world.boards.of(operation.id)
        assert len(board.having(Progress.OK)) == count

    run_jumping(scenario())
