"""Many who ask for the same thing at the same time make one read of it, and nobody gets what was read before."""

from __future__ import annotations

import asyncio

import pytest

from kadeploy.operations.shared_reads import SharedReads
from kadeploy.testing.clock import run_jumping


class Source:
    """A value that takes a second to read."""

    def __init__(self) -> None:
        self.value = 0
        self.reads = 0
        self.shared: SharedReads[int] = SharedReads()

    async def get(self) -> int:
        return await self.shared.of("it", self._read)

    async def _read(self) -> int:
        self.reads += 1
        value = self.value
        await asyncio.sleep(1)
        if value < 0:
            raise ValueError("it is negative")
        return value


def test_all_who_ask_while_one_is_under_way_share_the_next() -> None:
    async def run() -> None:
        source = Source()
        first = asyncio.create_task(source.get())
        await asyncio.sleep(0.5)
        source.value = 7
        others = [asyncio.create_task(source.get()) for _ in range(100)]
        assert await first == 0
        assert await asyncio.gather(*others) == [7] * 100
        assert source.reads == 2
        assert asyncio.get_running_loop().time() == 2.0

    run_jumping(run())


def test_nothing_is_kept() -> None:
    async def run() -> None:
        source = Source()
        for value in (1, 2, 3):
            source.value = value
            assert await source.get() == value
        assert source.reads == 3
        assert not source.shared._turns

    run_jumping(run())


def test_a_failure_is_everybodys_and_the_next_read_is_another() -> None:
    async def run() -> None:
        source = Source()
        source.value = -1
        for outcome in await asyncio.gather(source.get(), source.get(), return_exceptions=True):
            assert isinstance(outcome, ValueError)
        source.value = 4
        assert await source.get() == 4

    run_jumping(run())


def test_who_leaves_ends_it_for_nobody_else() -> None:
    async def run() -> None:
        source = Source()
        one, other = asyncio.create_task(source.get()), asyncio.create_task(source.get())
        await asyncio.sleep(0.5)
        one.cancel()
        with pytest.raises(asyncio.CancelledError):
            await one
        assert await other == 0
        assert source.reads == 1

    run_jumping(run())
