"""Work that several ask for at once."""

from __future__ import annotations

import asyncio

import pytest

from kadeploy.errors import InvalidFile
from kadeploy.files.turns import Turns


class Work:
    """Waits to be let go; counts how often it was begun."""

    def __init__(self) -> None:
        self.begun = 0
        self.go = asyncio.Event()
        self.failure: Exception | None = None

    async def __call__(self) -> int:
        self.begun += 1
        mine = self.begun
        await self.go.wait()
        if self.failure is not None:
            raise self.failure
        return mine


async def _start(turns: Turns[int], work: Work, count: int, key: str = "a") -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(turns.share(key, work)) for _ in range(count)]
    await asyncio.wait(tasks, timeout=0)
    return tasks


def test_those_who_come_meanwhile_share_and_those_who_come_later_do_not() -> None:
    async def story() -> None:
        turns, work = Turns[int](), Work()
        tasks = await _start(turns, work, 5)
        others = await _start(turns, work, 2, key="b")
        work.go.set()
        assert await asyncio.gather(*tasks) == [1] * 5
        assert await asyncio.gather(*others) == [2] * 2
        assert await turns.share("a", work) == 3

    asyncio.run(story())


def test_a_failure_is_shared_and_then_forgotten() -> None:
    async def story() -> None:
        turns, work = Turns[int](), Work()
        tasks = await _start(turns, work, 3)
        work.failure = InvalidFile("no")
        work.go.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert answers == [work.failure] * 3
        assert work.begun == 1
        work.failure = None
        assert await turns.share("a", work) == 2

    asyncio.run(story())


def test_each_may_give_up_alone_and_the_last_one_ends_the_work() -> None:
    async def story() -> None:
        turns, work = Turns[int](), Work()
        tasks = await _start(turns, work, 3)
        tasks[0].cancel()
        await asyncio.wait(tasks[:1])
        tasks += await _start(turns, work, 1)
        work.go.set()
        assert await asyncio.gather(*tasks[1:]) == [1, 1, 1]
        work.go.clear()
        last = await _start(turns, work, 2)
        for task in last:
            task.cancel()
        await asyncio.wait(last)
        assert work.begun == 2
        assert len(asyncio.all_tasks()) == 1  # this one: the work has ended

    asyncio.run(story())


def test_a_bug_is_the_bug_of_the_one_who_met_it() -> None:
    async def story() -> None:
        turns, work = Turns[int](), Work()
        work.failure = ZeroDivisionError()
        work.go.set()
        with pytest.raises(ZeroDivisionError):
            await turns.share("a", work)
        work.failure = None
        assert await turns.share("a", work) == 2

    asyncio.run(story())
