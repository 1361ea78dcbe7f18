"""The window on the jumping clock: it never lets in too many, loses nothing, and is fair."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.drivers.window import SlotWindow
from kadeploy.errors import KadeployError
from kadeploy.testing.clock import run_jumping


@dataclass(frozen=True, slots=True)
class Visit:
    """Comes at `at`, wants `count` slots for `lasts` seconds; is cancelled `cancelled` seconds after it came."""

    owner: str
    at: float
    count: int
    lasts: float
    fails: bool
    cancelled: float | None


moments = st.integers(0, 20).map(lambda half: half / 2)
visits = st.builds(
    Visit,
    owner=st.sampled_from("abc"),
    at=moments,
    count=st.integers(1, 6),
    lasts=moments,
    fails=st.booleans(),
    cancelled=st.none() | moments,
)


@dataclass(slots=True)
class Watched:
    """Counts nodes inside, and notes when how many began."""

    size: int
    inside: int = 0
    most: int = 0
    begun: list[tuple[float, int]] = field(default_factory=list)

    async def visit(self, window: SlotWindow, visit: Visit) -> None:
        await asyncio.sleep(visit.at)
        async with window.slots(visit.owner, visit.count):
            count = min(visit.count, self.size)
            self.begun.append((asyncio.get_running_loop().time(), count))
            self.inside += count
            self.most = max(self.most, self.inside)
            try:
                await asyncio.sleep(visit.lasts)
                if visit.fails:
                    raise RuntimeError("the driver failed")
            finally:
                self.inside -= count


@given(st.lists(visits, max_size=25), st.integers(1, 4), st.sampled_from([0.0, 1.0, 2.5]))
def test_never_too_many_and_never_a_slot_lost(schedule: list[Visit], size: int, pause: float) -> None:
    async def run() -> tuple[Watched, SlotWindow]:
        window, watched = SlotWindow(size, pause), Watched(size)
        tasks = [asyncio.create_task(watched.visit(window, visit)) for visit in schedule]
        loop = asyncio.get_running_loop()
        for visit, task in zip(schedule, tasks, strict=True):
            if visit.cancelled is not None:
                loop.call_later(visit.at + visit.cancelled, task.cancel)
        await asyncio.gather(*tasks, return_exceptions=True)
        async with window.slots("last", size):  # all of them can be had again
            pass
        await asyncio.sleep(pause)
        return watched, window

    watched, window = run_jumping(run())
    assert watched.most <= size
    assert (window.used, window.resting, window.waiting, watched.inside) == (0, 0, 0, 0)
    for at, _ in watched.begun:
        within = sum(count for other, count in watched.begun if at <= other < at + pause)
        assert within <= size, f"{within} nodes began within {pause} s"


def units(count: int, prefix: str) -> list[NodeSet]:
    return [NodeSet([f"{prefix}-{index}"]) for index in range(1, count + 1)]


def test_a_single_node_is_not_kept_waiting_by_thousands_of_another_operation() -> None:
    async def run() -> float:
        window = SlotWindow(50, 10.0)

        async def act(unit: NodeSet) -> Result:
            await asyncio.sleep(1.0)
            return Result(ok=unit)

        many = asyncio.create_task(window.through(units(5000, "many"), act, owner="D-1"))
        await asyncio.sleep(3.0)
        one = await window.through(units(1, "one"), act, owner="D-2")
        many.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await many
        return one.waited

    assert run_jumping(run()) <= 11.0


def test_operations_take_turns() -> None:
    async def run() -> list[str]:
        window, order = SlotWindow(1), []

        async def act(unit: NodeSet) -> Result:
            order.append(str(unit).partition("-")[0])
            await asyncio.sleep(1.0)
            return Result(ok=unit)

        async with asyncio.TaskGroup() as group:
            for owner, count in (("a", 6), ("b", 3), ("c", 2)):
                group.create_task(window.through(units(count, owner), act, owner=owner))
        return order

    order = run_jumping(run())
    assert Counter(order[:6]) == {"a": 2, "b": 2, "c": 2}
    assert len(order) == 11


def test_a_batch_rests_before_the_next_and_the_wait_is_told() -> None:
    async def run() -> float:
        window = SlotWindow(2, 10.0)

        async def act(unit: NodeSet) -> Result:
            await asyncio.sleep(1.0)
            return Result(ok=unit)

        return (await window.through(units(5, "n"), act, owner="D-1")).waited

    assert run_jumping(run()) == 22.0


def test_a_unit_larger_than_the_window_has_it_for_itself_and_is_not_overtaken() -> None:
    async def run() -> list[str]:
        window, order = SlotWindow(3), []

        async def act(unit: NodeSet) -> Result:
            order.append(str(unit))
            assert len(unit) <= 3 or window.used == 3
            await asyncio.sleep(1.0)
            return Result(ok=unit)

        async with asyncio.TaskGroup() as group:
            group.create_task(window.through(units(2, "a"), act, owner="a"))
            await asyncio.sleep(0.1)
            group.create_task(window.through([NodeSet.parse("pdu-[1-5]")], act, owner="b"))
            await asyncio.sleep(0.1)
            group.create_task(window.through(units(3, "c"), act, owner="c"))
        return order

    assert run_jumping(run())[2] == "pdu-[1-5]"


def test_what_the_driver_says_and_what_it_raises_are_the_nodes_own() -> None:
    async def run() -> Result:
        async def act(unit: NodeSet) -> Result:
            if "n-2" in unit:
                raise KadeployError("the BMC is on fire")
            return Result(ok=unit)

        return (await SlotWindow(2).through(units(3, "n"), act, owner="D-1")).result

    result = run_jumping(run())
    assert result.ok == NodeSet(["n-1", "n-3"])
    assert result.ko == {"n-2": "the BMC is on fire"}


def test_a_window_that_grows_lets_in_who_waits_and_one_that_shrinks_sends_nobody_out() -> None:
    async def story() -> None:
        window, inside, leave = SlotWindow(2), list[str](), asyncio.Event()

        async def visit(name: str, count: int) -> None:
            async with window.slots(name, count):
                inside.append(name)
                await leave.wait()

        async with asyncio.TaskGroup() as group:
            for name, count in (("a", 2), ("b", 2), ("c", 2)):
                group.create_task(visit(name, count))
            await asyncio.sleep(0.1)
            assert inside == ["a"]
            window.resize(4)
            await asyncio.sleep(0.1)
            assert inside == ["a", "b"]
            window.resize(1)  # `c` wants more than there is now
            await asyncio.sleep(0.1)
            assert (inside, window.used) == (["a", "b"], 4)
            leave.set()
        assert (inside, window.used) == (["a", "b", "c"], 0)

    run_jumping(story())


def test_no_window_is_closed() -> None:
    with pytest.raises(ValueError, match="lets nobody in"):
        SlotWindow(2).resize(0)
