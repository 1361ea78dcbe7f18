from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from kadeploy.domain.boot_times import Way
from kadeploy.domain.course import Course, Visited
from kadeploy.domain.event import NodesAborted, OperationStarted, StepEnded
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.operation import Outcome
from kadeploy.domain.state import OperationKind, OperationState, Progress
from kadeploy.domain.statistics import SORTED_BY, Wanted
from kadeploy.ports.record import Conclusion, Ends
from kadeploy.store.boot_times import SqlBootTimes
from kadeploy.store.database import Database
from kadeploy.store.statistics import SqlStatistics
from tests.integration.store.examples import Store, an_operation

BOOT = Visited(macro="SetDeploymentEnv", instance="Untrusted", micro="wait_reboot", seconds=95.5, limit=500.0)
AGAIN = Visited(macro="SetDeploymentEnv", instance="Untrusted", micro="wait_reboot", seconds=9.0, has_failed=True)
SEND = Visited(macro="BroadcastEnv", instance="Chain", micro="send_environment", seconds=40.0)
FAILED = Outcome(progress=Progress.KO, macro="BroadcastEnvChain", micro="send_environment", reason="no\nanswer")
OK = Outcome(progress=Progress.OK)


async def ended(store: Store, identity: str, courses: Mapping[str, Course], ko: str = "", at: float = 2000.0) -> None:
    """The nodes have come to their end in the operation."""
    outcomes = {node: FAILED if node in ko.split() else OK for node in courses}
    ends = Ends(at=at, cluster="alpha", strength=len(courses), image_size=10**9, image_sha256="a" * 64, courses=courses)
    await store.record.conclude(
        Conclusion(
            operation=identity, nodes=NodeSet(courses), answers={f"{identity}/x": {}}, outcomes=outcomes, ends=ends
        )
    )


async def two_operations(database: Database) -> SqlStatistics:
    """node-3 fails in the first, having been tried again; the second is a reboot by bob, an hour later."""
    store = Store(database)
    await store.create(an_operation("D-1", "node-[1-3]"))
    shared = (BOOT, SEND)
    await ended(store, "D-1", {"node-1": shared, "node-2": shared, "node-3": (AGAIN, BOOT, SEND)}, ko="node-3")
    await store.create(an_operation("R-2", "node-[2-3]", user="bob", created=4600.0, kind=OperationKind.REBOOT))
    await ended(store, "R-2", {"node-2": (BOOT,), "node-3": (BOOT,)}, at=4700.0)
    return SqlStatistics(database)


def test_a_row_has_what_its_node_went_through(database: Database) -> None:
    async def story() -> None:
        statistics = await two_operations(database)
        row = (await statistics.rows(Wanted(only_failed=True), limit=9, steps=True))[0]
        assert (row.node, row.progress, row.error) == (
            "node-3",
            Progress.KO,
            "BroadcastEnvChain-send_environment: no\nanswer",
        )
        trip = row.trip
        assert (trip.operation, trip.user, trip.started, trip.strength) == ("D-1", "alice", 1000.5, 3)
        assert (trip.environment, trip.version, trip.owner, trip.image_size) == ("debian12", 1, "alice", 10**9)
        assert trip.image_sha256 == "a" * 64
        assert [(macro.seconds, macro.retries, macro.limit) for macro in trip.macros] == [
            (104.5, 1, 500.0),
            (40.0, 0, 0.0),
        ]
        assert [(step.micro, step.tries) for step in trip.steps] == [("wait_reboot", 2), ("send_environment", 1)]
        brief = (await statistics.rows(Wanted(only_failed=True), limit=9))[0]
        assert brief.trip.steps == ()

    asyncio.run(story())


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(), "D1 D2 D3 R2 R3"),
        (Wanted(kind=OperationKind.REBOOT), "R2 R3"),
        (Wanted(nodes=NodeSet(["node-2"])), "D2 R2"),
        (Wanted(nodes=NodeSet()), ""),
        (Wanted(operation="D-1", user="alice"), "D1 D2 D3"),
        (Wanted(user="bob"), "R2 R3"),
        (Wanted(cluster="beta"), ""),
        (Wanted(environment="debian12", version=1, owner="alice", until=2000.0), "D1 D2 D3"),
        (Wanted(environment="debian12", version=2), ""),
        (Wanted(since=1000.5, until=4000.0), "D1 D2 D3"),
        (Wanted(since=1001.0), "R2 R3"),
        (Wanted(before=4000.0), "D1 D2 D3"),
        (Wanted(min_retries=1), "D3"),
        (Wanted(min_retries=1, retry_steps=(1,)), "D3"),
        (Wanted(min_retries=1, retry_steps=(1, 2)), ""),
        (Wanted(min_seconds=100.0, max_seconds=136.0), "D1 D2"),
        (Wanted(step="send_environment"), "D3"),
        (Wanted(step="BroadcastEnvChain-send_environment"), "D3"),
        (Wanted(step="BootNewEnvKexec"), ""),
    ],
    ids=str,
)
def test_rows_are_filtered(database: Database, wanted: Wanted, found: str) -> None:
    async def story() -> None:
        rows = await (await two_operations(database)).rows(wanted, sort=("start", "hostname"), limit=99)
        assert " ".join(f"{row.trip.operation[0]}{row.node[-1]}" for row in rows) == found

    asyncio.run(story())


def test_rows_are_sorted_and_paged(database: Database) -> None:
    async def story() -> None:
        statistics = await two_operations(database)
        rows = await statistics.rows(Wanted(), sort=("-start", "hostname"), limit=3, offset=1)
        assert [(row.trip.operation, row.node) for row in rows] == [
            ("R-2", "node-3"),
            ("D-1", "node-1"),
            ("D-1", "node-2"),
        ]
        for field in sorted(SORTED_BY):
            assert len(await statistics.rows(Wanted(), sort=(field,), limit=9)) == 5

    asyncio.run(story())


def test_nodes_and_ways_are_counted(database: Database) -> None:
    async def story() -> None:
        statistics = await two_operations(database)
        assert await statistics.nodes(Wanted()) == {"node-1": (1, 0), "node-2": (2, 0), "node-3": (1, 1)}
        tallies = await statistics.tallies(Wanted(kind=OperationKind.DEPLOYMENT))
        assert sorted((tally.progress, tally.nodes, len(tally.trip.steps)) for tally in tallies) == [
            (Progress.KO, 1, 2),
            (Progress.OK, 2, 2),
        ]
        ((trip, count),) = await statistics.trips("alpha", OperationKind.DEPLOYMENT, 5)
        assert (trip.operation, count) == ("D-1", 2)

    asyncio.run(story())


def test_aborted_nodes_have_what_they_went_through_until_then(database: Database) -> None:
    async def story() -> None:
        store, statistics = Store(database), SqlStatistics(database)
        await store.create(an_operation("D-1", "node-[1-2]"))
        step = StepEnded(
            operation="D-1",
            at=1100.0,
            cluster="alpha",
            set="0",
            macro="SetDeploymentEnv",
            instance="Untrusted",
            micro="reboot",
            turn=0,
            seconds=12.0,
            ok="node-[1-2]",
        )
        started = OperationStarted(
            operation="D-1", at=1000.5, user="alice", nodes="node-[1-2]", clusters={"alpha": "node-[1-2]"}
        )
        await store.record.conclude(Conclusion(operation="D-1", nodes=NodeSet(), events=[started, step]))
        assert await store.record.steps("D-1") == [step]
        await store.control.withdraw(NodesAborted(operation="D-1", at=1200.0, nodes="node-1", by="bob"))
        (row,) = await statistics.rows(Wanted(), limit=9, steps=True)
        assert (row.node, row.progress, row.reason, row.ended) == ("node-1", Progress.ABORTED, "aborted by bob", 1200.0)
        assert (row.trip.cluster, row.trip.seconds) == ("alpha", 12.0)
        assert await statistics.nodes(Wanted()) == {"node-1": (0, 0)}
        await store.end("D-1", OperationState.ERROR, at=1300.0, error="the database is full")
        assert await statistics.nodes(Wanted()) == {"node-1": (0, 0), "node-2": (0, 1)}

    asyncio.run(story())


def test_an_operation_that_never_began_has_no_rows(database: Database) -> None:
    async def story() -> None:
        store = Store(database)
        await store.create(an_operation("D-1", "node-1"))
        await store.control.withdraw(NodesAborted(operation="D-1", at=1200.0, nodes="node-1", by="bob"))
        assert await SqlStatistics(database).rows(Wanted(), limit=9) == []

    asyncio.run(story())


def test_statistics_outlive_operations_and_are_pruned_by_themselves(database: Database) -> None:
    async def story() -> None:
        statistics, store = await two_operations(database), Store(database)
        for identity in ("D-1", "R-2"):
            await store.end(identity, OperationState.DONE, at=5000.0)
        assert sorted(await store.prune(6000.0)) == ["D-1", "R-2"]
        assert len(await statistics.rows(Wanted(), limit=9)) == 5
        assert await statistics.prune(2000.0) == 1
        assert await statistics.prune(2000.0) == 0
        assert {row.trip.operation for row in await statistics.rows(Wanted(), limit=9)} == {"R-2"}

    asyncio.run(story())


def test_boots_are_kept_of_every_node(database: Database) -> None:
    async def story() -> None:
        times, statistics = SqlBootTimes(database), SqlStatistics(database)
        await times.record("alpha", Way.MINIMAL, {"node-1": 90.004, "node-2": 95.0}, at=1000.0)
        await times.record("alpha", Way.INSTALLED, {"node-1": 60.0}, at=2000.0)
        assert [wait.seconds for wait in await statistics.boots(0.0)] == [
            {"node-1": 90.0, "node-2": 95.0},
            {"node-1": 60.0},
        ]
        assert [wait.way for wait in await statistics.boots(1500.0)] == ["installed"]
        assert len(await statistics.boots(0.0, NodeSet(["node-2"]))) == 1
        await statistics.prune(1500.0)
        assert len(await statistics.boots(0.0)) == 1

    asyncio.run(story())
