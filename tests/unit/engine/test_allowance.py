from __future__ import annotations

import asyncio

import pytest

from kadeploy.engine.allowance import Allowance
from kadeploy.testing.clock import run_jumping


def test_waiting_for_others_does_not_count() -> None:
    async def run() -> Allowance:
        allowance = Allowance(seconds=10.0)
        async with allowance.bound():
            await asyncio.sleep(4.0)
            with allowance.uncounted():
                await asyncio.sleep(1000.0)
            await asyncio.sleep(5.0)
        return allowance

    assert run_jumping(run()).excused == 1000.0


def test_what_is_counted_still_ends() -> None:
    async def run() -> float:
        allowance = Allowance(seconds=10.0)

        async def step() -> None:
            async with allowance.bound(5.0):
                with allowance.uncounted():
                    await asyncio.sleep(100.0)
                await asyncio.sleep(1000.0)

        with pytest.raises(TimeoutError):
            await step()
        return asyncio.get_running_loop().time()

    assert run_jumping(run()) == 115.0


def test_outside_of_a_bound_nothing_is_counted_anyway() -> None:
    allowance = Allowance(seconds=10.0)
    with allowance.uncounted():
        pass
    assert allowance.excused == 0.0
