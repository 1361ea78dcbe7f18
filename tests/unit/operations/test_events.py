"""The event log: followers read at their own pace, resume where they were, and end with the operation."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import aclosing
from typing import Any

from kadeploy.domain.event import Event, NodeProgress
from kadeploy.operations.events import EventLog
from kadeploy.testing.clock import run_jumping
from tests.unit.operations import stories
from tests.unit.operations.journal import ListJournal


def run(work: Coroutine[Any, Any, object]) -> None:
    run_jumping(asyncio.wait_for(work, 3600.0))


def progress(node: str, done: int) -> NodeProgress:
    return NodeProgress(operation=stories.OPERATION, at=1.0, node=node, micro="send", done=done, total=10)


async def read_all(log: EventLog, after: int = 0) -> list[tuple[int, Event]]:
    async with aclosing(log.follow(stories.OPERATION, after=after)) as events:
        return [entry async for entry in events]


def test_what_is_over_is_told_whole_and_ends() -> None:
    async def scenario() -> None:
        log = EventLog(ListJournal())
        story = stories.one_node_fails()
        await log.emit(*story)
        assert await read_all(log) == list(enumerate(story, 1))
        assert await read_all(log, after=13) == [(14, story[13]), (15, story[14])]
        assert await read_all(log, after=15) == []
        assert await read_all(log, after=999) == []

    run(scenario())


def test_a_hundred_who_begin_together_cost_as_much_as_one() -> None:
    async def scenario() -> None:
        journal = ListJournal()
        log = EventLog(journal)
        story = stories.one_node_fails()
        await log.emit(*story)
        assert await asyncio.gather(*(read_all(log) for _ in range(100))) == [list(enumerate(story, 1))] * 100
        of_all, journal.reads = journal.reads, 0
        await read_all(log)
        assert of_all == journal.reads

    run(scenario())


def test_a_follower_hears_what_comes_and_only_of_its_operation() -> None:
    async def scenario() -> None:
        log = EventLog(ListJournal())
        story = stories.one_node_fails()
        await log.emit(story[0])
        reading = asyncio.create_task(read_all(log))
        for event in story[1:]:
            await asyncio.sleep(5.0)
            await log.emit(event)
        assert [event for _, event in await reading] == story

    run(scenario())


def test_the_newest_progress_of_each_node_is_told_with_the_number_before_it() -> None:
    async def scenario() -> None:
        log = EventLog(ListJournal())
        await log.emit(stories.begun(), stories.entered(101.0, "send"))
        async with aclosing(log.follow(stories.OPERATION)) as events:
            assert [number for number, _ in [await anext(events), await anext(events)]] == [1, 2]
            pending = asyncio.ensure_future(anext(events))
            await asyncio.sleep(0)
            for done in range(10):
                log.show(progress("node-1", done))
            assert await pending == (2, progress("node-1", 9))
        assert log.progress(stories.OPERATION)["node-1"].done == 9
        await log.emit(stories.over(103.0))
        assert log.progress(stories.OPERATION) == {}

    run(scenario())


def test_a_follower_that_does_not_read_costs_nothing_and_misses_nothing() -> None:
    async def scenario() -> None:
        log = EventLog(ListJournal())
        async with aclosing(log.follow(stories.OPERATION)) as slow:
            await log.emit(stories.begun())
            assert (await anext(slow))[0] == 1
            for number in range(3000):
                await log.emit(stories.decided(float(number), "x"))
            await log.emit(stories.over(9999.0))
            assert [number async for number, _ in slow] == list(range(2, 3003))

    run(scenario())


def test_what_another_server_writes_is_seen() -> None:
    async def scenario() -> None:
        journal = ListJournal()
        log, other = EventLog(journal), EventLog(journal)
        reading = asyncio.create_task(read_all(log))
        await asyncio.sleep(1.0)
        await other.emit(stories.begun(), stories.over(2.0))
        assert len(await reading) == 2

    run(scenario())


def test_a_listener_that_fails_stops_neither_the_others_nor_the_engine() -> None:
    async def scenario() -> None:
        heard: list[Event] = []

        async def fails(events: Sequence[Event]) -> None:
            raise ZeroDivisionError

        async def hears(events: Sequence[Event]) -> None:
            heard.extend(events)

        log = EventLog(ListJournal())
        log.listen(fails)
        log.listen(hears)
        await log.emit(stories.begun())
        assert heard == [stories.begun()]

    run(scenario())
