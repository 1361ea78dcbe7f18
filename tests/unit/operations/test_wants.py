"""The files of a request are judged side by side, a bounded number of them, and every fault is told."""

from __future__ import annotations

import asyncio

import pytest

from kadeploy.domain.image import LocalFile
from kadeploy.errors import InvalidFile
from kadeploy.operations.gathering import gathered
from kadeploy.operations.wants import Wants
from kadeploy.ports.files import FileOrder, Reader, ReportBytes, nobody


class Together:
    """Answers when `least` are asked at once; remembers how many were. URLs with `bad` in them are refused."""

    def __init__(self, least: int) -> None:
        self._least = asyncio.Barrier(least)
        self._asked = 0
        self.most = 0

    async def judge(self, order: FileOrder, *, owner: str) -> int:
        self._asked += 1
        self.most = max(self.most, self._asked)
        await self._least.wait()
        self._asked -= 1
        if "bad" in order.url:
            raise InvalidFile(f"{order.url} is not there")
        return len(order.url)

    async def pin(self, order: FileOrder, *, owner: str, report: ReportBytes = nobody) -> LocalFile:
        raise NotImplementedError

    async def release(self, owner: str) -> None:
        raise NotImplementedError


def orders(*urls: str) -> dict[str, FileOrder]:
    return {url: FileOrder(url=url) for url in urls}


def test_eight_are_judged_at_once_and_no_more() -> None:
    async def story() -> None:
        files = Together(8)
        wants = Wants(files, "D-1")
        found = await wants.files(orders(*(f"http://x/{number}" for number in range(24))))
        assert files.most == 8
        assert [one.url for one in wants.wanted] == list(found), "numbered as they were asked for"
        assert [one.awaited for one in wants.wanted] == list(found.values())
        assert {one.size for one in wants.wanted} == {len("http://x/0"), len("http://x/10")}

    asyncio.run(story())


def test_every_fault_is_told_in_the_order_of_asking() -> None:
    async def story() -> None:
        wants = Wants(Together(3), "D-1")
        with pytest.raises(InvalidFile) as caught:
            await wants.files(orders("http://x/bad-b", "http://x/good", "http://x/bad-a"))
        told = "the request has 2 faults:\n  http://x/bad-b is not there\n  http://x/bad-a is not there"
        assert str(caught.value) == told

    asyncio.run(story())


def test_the_same_file_is_wanted_once() -> None:
    async def story() -> None:
        wants = Wants(Together(1), "D-1")
        mine = FileOrder(url="http://x/image", reader=Reader(users=("alice",)))
        first = await wants.file(mine)
        assert await wants.file(mine) == first
        assert await wants.file(FileOrder(url="http://x/image")) != first, "for somebody else"
        assert len(wants.wanted) == 2

    asyncio.run(story())


def test_groups_that_fail_side_by_side_are_told_as_one_list() -> None:
    async def story() -> None:
        wants = Wants(Together(4), "D-1")
        one = wants.files(orders("http://x/bad-1", "http://x/bad-2"))
        other = wants.files(orders("http://x/bad-3", "http://x/bad-2"))
        with pytest.raises(InvalidFile) as caught:
            await gathered(one, other)
        assert str(caught.value).splitlines() == [
            "the request has 3 faults:",
            *(f"  http://x/bad-{number} is not there" for number in (1, 2, 3)),
        ]

    asyncio.run(story())


def test_a_defect_of_one_ends_the_others() -> None:
    ended: list[str] = []

    async def defect() -> None:
        raise ZeroDivisionError

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("the other")

    with pytest.raises(ExceptionGroup) as caught:
        asyncio.run(gathered(waits(), defect()))
    assert caught.group_contains(ZeroDivisionError)
    assert ended == ["the other"]
