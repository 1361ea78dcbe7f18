"""Queues for nodes, taking over, breakpoints, withdrawn nodes, visits that are made once, and what is not kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection, Table, func, select

from kadeploy.domain.event import Decided, NodesAborted, NodesHeld, NodesResumed, OperationEnded
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Outcome
from kadeploy.domain.state import OperationState, Progress
from kadeploy.errors import Conflict
from kadeploy.ports.record import Conclusion
from kadeploy.store.database import Database
from kadeploy.store.journal import SqlJournal
from kadeploy.store.tables import JOURNAL, LIFTED_BREAKPOINTS, LOCKS, OPERATIONS, OUTCOMES, VISITS
from tests.integration.store.examples import Store, an_operation

OK = Outcome(progress=Progress.OK)
BOUND = ("BootNewEnvKexec", "switch_pxe")


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


def count(table: Table, connection: Connection) -> int | None:
    return connection.scalar(select(func.count()).select_from(table))


def told(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(work())


def held(operation: str, nodes: str, micro: str = "switch_pxe") -> NodesHeld:
    return NodesHeld(
        operation=operation,
        at=5.0,
        cluster="alpha",
        set="0",
        macro="BootNewEnv",
        instance="Kexec",
        micro=micro,
        nodes=nodes,
    )


def test_whoever_waits_is_let_in_first_come_first_served(store: Store) -> None:
    async def story() -> None:
        await store.create(an_operation("D-1", "n-[1-3]"))
        second = await store.create(an_operation("D-2", "n-[3-4]", created=1002), wait=True)
        third = await store.create(an_operation("D-3", "n-4", created=1003), wait=True)
        assert (second.is_queued, second.behind) == (True, {"D-1": NodeSet(["n-3"])})
        assert (third.is_queued, third.behind) == (True, {"D-2": NodeSet(["n-4"])})
        with pytest.raises(Conflict, match="n-4 waited for by D-2 of alice"):  # it is free, but not theirs
            await store.create(an_operation("D-4", "n-4", created=1004))
        assert not (await store.create(an_operation("D-5", "n-9"), wait=True)).is_queued
        assert await store.admit() == []
        assert await store.queued() == ["D-2", "D-3"]
        await store.settle("D-1", {"n-3": OK})
        assert await store.admit() == ["D-2"]
        assert (await store.get("D-2")).state is OperationState.RUNNING
        assert await store.admit() == []
        await store.end("D-2", OperationState.DONE, at=9.0)
        assert await store.admit() == ["D-3"]
        assert await store.queued() == []

    told(story)


def test_one_that_gave_up_waiting_is_not_let_in(store: Store) -> None:
    async def story() -> None:
        await store.create(an_operation("D-1", "n-1"))
        await store.create(an_operation("D-2", "n-1", created=1002), wait=True)
        asked = NodesAborted(operation="D-2", at=3.0, nodes="n-1", by="bob")
        assert await store.control.withdraw(asked, entirely=True) == asked
        await store.end("D-1", OperationState.DONE, at=4.0)
        assert await store.admit() == []
        await store.end("D-2", OperationState.ABORTED, at=5.0)
        await store.create(an_operation("D-3", "n-1"))

    told(story)


def test_taking_over_ends_the_former_operation_for_those_nodes(store: Store, database: Database) -> None:
    async def story() -> None:
        await store.create(an_operation("D-1", "n-[1-3]"))
        await store.settle("D-1", {"n-3": OK})
        created = await store.create(an_operation("D-2", "n-[2-4]", user="bob", created=1002), force=True)
        event = NodesAborted(operation="D-1", at=1002, nodes="n-2", by="bob", why="taken over by D-2")
        assert created.taken == [event]
        assert [each for _, each in await SqlJournal(database).read("D-1")] == [event]
        former = await store.get("D-1")
        assert former.outcomes["n-2"].progress is Progress.ABORTED
        assert former.outcomes["n-2"].reason == "aborted by bob: taken over by D-2"
        assert former.outcomes["n-3"] == OK
        await store.control.release("D-1")
        with pytest.raises(Conflict, match=r"n-1 by D-1 of alice; n-\[2-4\] by D-2 of bob"):
            await store.create(an_operation("D-3", "n-[1-4]"))

    told(story)


def test_a_visit_is_concluded_with_all_that_follows_or_not_at_all(store: Store, database: Database) -> None:
    async def story() -> None:
        await store.create(an_operation("D-1", "n-[1-3]"))
        said = Decided(operation="D-1", at=1.0, cluster="alpha", set="0", what="go on")
        conclusion = Conclusion(
            operation="D-1",
            nodes=NodeSet.parse("n-[1-2]"),
            answers={"D-1/alpha/0/0.0.0.0": {"onward": None}},
            outcomes={"n-1": OK},
            events=[said],
        )
        assert await store.record.answer("D-1/alpha/0/0.0.0.0") is None
        await store.control.withdraw(NodesAborted(operation="D-1", at=2.0, nodes="n-2", by="bob"))
        assert await store.record.conclude(conclusion) == NodeSet(["n-2"])
        assert await store.record.answer("D-1/alpha/0/0.0.0.0") is None
        assert (await store.get("D-1")).outcomes["n-1"] == Outcome()
        kept = Conclusion(operation="D-1", nodes=NodeSet(["n-1"]), answers=conclusion.answers, outcomes={"n-1": OK})
        assert not await store.record.conclude(kept)
        assert await store.record.answer("D-1/alpha/0/0.0.0.0") == {"onward": None}
        await store.create(an_operation("D-2", "n-1"))
        with pytest.raises(Conflict, match="n-2 by D-1"):  # withdrawn nodes are given back when nothing runs on them
            await store.create(an_operation("D-3", "n-2"))
        await store.control.release("D-1")
        await store.create(an_operation("D-3", "n-2"))
        assert [event for _, event in await SqlJournal(database).read("D-1")] == [
            NodesAborted(operation="D-1", at=2.0, nodes="n-2", by="bob")
        ]

    told(story)


def test_held_nodes_stay_locked_until_they_are_resumed_and_come_to_their_end(store: Store) -> None:
    async def story() -> None:
        await store.create(an_operation("D-1", "n-[1-3]"))
        assert await store.control.resume("D-1", by="alice", at=4.0) is None
        assert await store.control.hold(held("D-1", "n-[1-2]")) == held("D-1", "n-[1-2]")
        assert await store.control.hold(held("D-1", "n-[1-2]")) is None
        assert not (await store.get("D-1")).is_held
        await store.settle("D-1", {"n-3": OK})
        operation = await store.get("D-1")
        assert operation.is_held
        assert (operation.outcomes["n-1"].macro, operation.outcomes["n-1"].micro) == BOUND
        with pytest.raises(Conflict, match="n-1 by D-1"):
            await store.create(an_operation("D-2", "n-1"))
        resumed = NodesResumed(operation="D-1", at=6.0, nodes="n-[1-2]", by="bob")
        assert await store.control.resume("D-1", by="bob", at=6.0) == resumed
        assert await store.control.lifted("D-1") == {BOUND}
        assert await store.control.hold(held("D-1", "n-2")) is None  # late comers pass
        assert await store.control.hold(held("D-1", "n-2", micro="kexec")) is not None
        assert (await store.control.resume("D-1", by="bob", at=7.0)) is not None
        assert len(await store.control.lifted("D-1")) == 2

    told(story)


def test_the_end_is_told_once(store: Store, database: Database) -> None:
    async def story() -> None:
        await store.create(an_operation("D-1", "n-[1-2]"))
        await store.settle("D-1", {"n-1": OK})
        first = await store.end("D-1", OperationState.DONE, at=5.0)
        assert first == OperationEnded(operation="D-1", at=5.0, state="done", ok="n-1", ko="n-2")
        assert await store.end("D-1", OperationState.ABORTED, at=6.0) == first
        assert [event for _, event in await SqlJournal(database).read("D-1")] == [first]

    told(story)


def test_nothing_is_kept_of_what_ended_long_ago(store: Store, database: Database) -> None:
    async def story() -> None:
        for number, ended in ((1, 10.0), (2, 20.0), (3, None)):
            identity = f"D-{number}"
            await store.create(an_operation(identity, f"n-{number}"))
            await store.control.hold(held(identity, f"n-{number}"))
            await store.control.resume(identity, by="alice", at=6.0)
            answers = {f"{identity}/0": {"onward": None}}
            await store.record.conclude(Conclusion(operation=identity, nodes=NodeSet(), answers=answers))
            if ended:
                await store.end(identity, OperationState.DONE, at=ended)
        await store.forget("D-2")
        assert await store.prune(before=5.0) == []
        assert await store.prune(before=15.0) == ["D-1"]
        assert await store.prune(before=25.0) == ["D-2"]
        assert await store.prune(before=1e12) == []
        for table in (OPERATIONS, OUTCOMES, LOCKS, VISITS, LIFTED_BREAKPOINTS):
            assert await database.read(partial(count, table)) == 1, table.name
        left = await database.read(lambda connection: set(connection.scalars(select(JOURNAL.c.operation))))
        assert left == {"D-3"}

    told(story)
