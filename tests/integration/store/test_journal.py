"""The journal: in order, in numbers that grow, by operation."""

from __future__ import annotations

import asyncio

import pytest

from kadeploy.domain.event import Decided, Event, NodeFailed, OperationEnded, OperationStarted, StepEnded
from kadeploy.store.database import Database
from kadeploy.store.journal import SqlJournal
from tests.integration.store.figures import timed


@pytest.fixture
def journal(database: Database) -> SqlJournal:
    return SqlJournal(database)


def test_events_come_back_as_they_were_in_their_order(journal: SqlJournal) -> None:
    events: list[Event] = [
        OperationStarted(operation="D-1", at=1.5, user="alice", nodes="n-[1-2]", clusters={"alpha": "n-[1-2]"}),
        StepEnded(
            operation="D-1",
            at=2.0,
            cluster="alpha",
            set="0.1",
            macro="BroadcastEnv",
            instance="Chain",
            micro="send_environment",
            turn=1,
            seconds=0.25,
            ok="n-1",
            ko={"n-2": "no answer « é »"},
            late="",
        ),
        NodeFailed(operation="D-1", at=3.0, cluster="alpha", set="0", node="n-2", macro="m", micro="i", reason="why"),
        OperationEnded(operation="D-1", at=4.0, state="done", ok="n-1", ko="n-2"),
    ]

    async def story() -> list[tuple[int, Event]]:
        await journal.append(events[:1])
        await journal.append([Decided(operation="D-2", at=1.0, cluster="alpha", set="0", what="another's")])
        await journal.append(events[1:])
        await journal.append([])
        return list(await journal.read("D-1"))

    read = asyncio.run(story())
    assert [event for _, event in read] == events
    numbers = [number for number, _ in read]
    assert numbers == sorted(set(numbers))


def test_what_is_new_of_many_is_read_at_once(journal: SqlJournal) -> None:
    events = [Decided(operation=f"D-{n % 3}", at=float(n), cluster="alpha", set="0", what=f"« {n} »") for n in range(9)]

    async def story() -> None:
        await journal.append(events)
        numbers = [[number for number, _ in await journal.read(f"D-{n}")] for n in range(3)]
        new = await journal.read_each({"D-2": numbers[2][1], "D-0": numbers[0][0], "D-4": 0})
        assert new == [(numbers[0][1], events[3]), (numbers[0][2], events[6]), (numbers[2][2], events[8])]
        assert await journal.read_each({"D-1": numbers[1][2]}) == []

    asyncio.run(story())


def test_reading_goes_on_after_a_number_and_stops_at_a_limit(journal: SqlJournal) -> None:
    async def story() -> None:
        await journal.append(
            [Decided(operation="D-1", at=float(n), cluster="alpha", set="0", what=str(n)) for n in range(10)]
        )
        first = await journal.read("D-1", limit=4)
        second = await journal.read("D-1", after=first[-1][0], limit=100)
        assert [event.at for _, event in (*first, *second)] == [float(n) for n in range(10)]
        assert await journal.read("D-1", after=second[-1][0]) == []

    asyncio.run(story())


def test_fifty_thousand_events(journal: SqlJournal) -> None:
    batch = [Decided(operation="D-1", at=1.0, cluster="alpha", set="0", what="go on with it")] * 100

    async def story() -> None:
        with timed("50,000 events appended, 100 a call"):
            await asyncio.gather(*(journal.append(batch) for _ in range(500)))
        after, count = 0, 0
        with timed("50,000 events read, 5,000 a call"):
            while page := await journal.read("D-1", after=after, limit=5000):
                count, after = count + len(page), page[-1][0]
        assert count == 50_000

    asyncio.run(story())
