"""Nodes that were asked together, and part when some are late; on a jumping clock."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.patience import Patience
from kadeploy.ports.company import Company
from kadeploy.testing.clock import run_jumping

FIVE = NodeSet.parse("node-[1-5]")


async def together(ends: Mapping[str, float], waits: float = 1000.0) -> tuple[Company, float]:
    """The company after so many seconds of waiting for its parting, and how many seconds that took."""
    loop = asyncio.get_running_loop()
    company, began = Company(Patience(), FIVE), loop.time()
    for node, seconds in ends.items():
        loop.call_at(began + seconds, company.ended, node)
    try:
        async with asyncio.timeout(waits):
            await company.parting()
    except TimeoutError:
        pass
    company.close()
    return company, loop.time() - began


def test_they_part_when_one_is_late() -> None:
    async def run() -> None:
        company, took = await together({f"node-{index}": 20.0 for index in range(1, 5)})
        assert took == 30.0
        assert company.missing == NodeSet(["node-5"])
        assert company.late is not None

    run_jumping(run())


def test_they_do_not_part_when_all_have_ended() -> None:
    async def run() -> None:
        company, took = await together({**{f"node-{index}": 20.0 for index in range(1, 5)}, "node-5": 29.0})
        assert took == 1000.0
        assert company.late is None
        assert not company.missing

    run_jumping(run())


def test_a_node_that_ends_twice_or_is_a_stranger_does_not_count() -> None:
    async def run() -> None:
        company = Company(Patience(), FIVE)
        for node in ("node-1", "node-1", "node-9", "node-2"):
            company.ended(node)
        assert company.missing == NodeSet.parse("node-[3-5]")
        await asyncio.sleep(1000.0)
        assert company.late is None

    run_jumping(run())


@given(st.lists(st.floats(0.0, 100.0), min_size=5, max_size=5))
def test_what_would_be_is_what_comes(seconds: list[float]) -> None:
    ends = {f"node-{index + 1}": one for index, one in enumerate(seconds)}

    async def run() -> None:
        company, took = await together(ends)
        foreseen = Company(Patience(), FIVE).would_part(ends.values())
        assert (foreseen.seconds if foreseen else 1000.0) == took
        assert foreseen == company.late

    run_jumping(run())
