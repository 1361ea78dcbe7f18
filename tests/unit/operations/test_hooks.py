"""The site's command at the end of an operation: when it is run, when again, and what its failure costs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import Any

from kadeploy.domain.event import HookEnded, OperationEnded
from kadeploy.domain.state import OperationKind
from kadeploy.operations.events import EventLog
from kadeploy.operations.hooks import AT_ONCE, EndHooks
from kadeploy.ports.hooks import Ended
from kadeploy.testing.clock import LoopClock, run_jumping
from tests.unit.operations.journal import ListJournal

DEPLOYMENT, POWER = OperationKind.DEPLOYMENT, OperationKind.POWER


class ScriptedHooks:
    """Implements ports.hooks.Hooks: each command takes `seconds` and answers `error`."""

    def __init__(self, *, seconds: float = 10.0, error: str = "") -> None:
        self.seconds = seconds
        self.error = error
        self.ran: list[Ended] = []
        self.most = self._now = 0

    def has(self, kind: OperationKind) -> bool:
        return kind is DEPLOYMENT

    async def run(self, ended: Ended) -> str:
        self._now += 1
        self.most = max(self.most, self._now)
        try:
            await asyncio.sleep(self.seconds)
        finally:
            self._now -= 1
        self.ran.append(ended)
        return self.error


class MemoryDue:
    """Implements ports.store.DueHooks."""

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}

    async def add(self, operation_id: str, user: str) -> None:
        self.rows[operation_id] = user

    async def all(self) -> Mapping[str, str]:
        return dict(self.rows)

    async def remove(self, operation_id: str) -> None:
        self.rows.pop(operation_id, None)


class World:
    """What outlives a server: its journal, what is due, and the operations that are recorded."""

    def __init__(self) -> None:
        self.journal = ListJournal()
        self.due = MemoryDue()
        self.recorded: set[str] = set()

    @contextlib.asynccontextmanager
    async def server(self, hooks: ScriptedHooks, *, always: bool = False) -> AsyncIterator[tuple[EventLog, EndHooks]]:
        """One that is killed at the end of the block."""
        events = EventLog(self.journal)
        ends = EndHooks(
            hooks=hooks,
            due=self.due,
            is_recorded=self._is_recorded,
            journal=self.journal,
            events=events,
            clock=LoopClock(),
            always=always,
        )
        events.listen(ends)
        serving = asyncio.create_task(ends.serve())
        try:
            yield events, ends
        finally:
            serving.cancel()
            await asyncio.wait([serving])

    async def _is_recorded(self, operation_id: str) -> bool:
        return operation_id in self.recorded

    @property
    def told(self) -> list[HookEnded]:
        return [event for event in self.journal.events if isinstance(event, HookEnded)]


def ended(operation: str = "D-1") -> OperationEnded:
    return OperationEnded(operation=operation, at=5.0, state="done", ok="n-1", ko="n-2")


def run(work: Coroutine[Any, Any, None]) -> None:
    run_jumping(asyncio.wait_for(work, 3600.0))


def test_it_is_run_beside_the_end_and_told_who_and_what() -> None:
    async def story() -> None:
        world, hooks = World(), ScriptedHooks(seconds=10.0)
        async with world.server(hooks) as (events, ends):
            await ends.expect("D-1", DEPLOYMENT, "alice", asked=True)
            begin = asyncio.get_running_loop().time()
            await events.emit(ended())
            assert asyncio.get_running_loop().time() == begin, "nobody waits for it"
            await asyncio.sleep(11.0)
        assert hooks.ran == [Ended(operation="D-1", kind=DEPLOYMENT, user="alice", state="done", ok="n-1", ko="n-2")]
        assert [event.error for event in world.told] == [""]
        assert world.due.rows == {}

    run(story())


def test_it_is_run_only_where_it_was_asked_for_or_always_and_where_there_is_one() -> None:
    async def story() -> None:
        world, hooks = World(), ScriptedHooks()
        async with world.server(hooks) as (events, ends):
            await ends.expect("D-1", DEPLOYMENT, "alice", asked=False)
            await ends.expect("P-1", POWER, "alice", asked=True)
            await ends.expect("D-3", DEPLOYMENT, "alice", asked=True)
            await ends.forget("D-3")
            for operation in ("D-1", "P-1", "D-3"):
                await events.emit(ended(operation))
            await asyncio.sleep(60.0)
            assert hooks.ran == []
        async with world.server(hooks, always=True) as (events, ends):
            await ends.expect("D-4", DEPLOYMENT, "alice", asked=False)
            await events.emit(ended("D-4"))
            await asyncio.sleep(60.0)
        assert [one.operation for one in hooks.ran] == ["D-4"]
        assert world.due.rows == {}

    run(story())


def test_its_failure_is_an_event_and_nothing_more() -> None:
    async def story() -> None:
        world, hooks = World(), ScriptedHooks(error="tell exited with 3: no")
        async with world.server(hooks) as (events, ends):
            await ends.expect("D-1", DEPLOYMENT, "alice", asked=True)
            await events.emit(ended())
            await asyncio.sleep(60.0)
            assert [event.error for event in world.told] == ["tell exited with 3: no"]
            assert world.due.rows == {}
            await ends.expect("D-2", DEPLOYMENT, "alice", asked=True)
            await events.emit(ended("D-2"))
            await asyncio.sleep(60.0)
        assert len(hooks.ran) == 2

    run(story())


def test_a_server_killed_before_it_ran_runs_it_at_its_next_start_and_only_then() -> None:
    async def story() -> None:
        world, first, second, third = World(), ScriptedHooks(), ScriptedHooks(), ScriptedHooks()
        world.recorded |= {"D-1", "D-2"}
        async with world.server(first) as (events, ends):
            await ends.expect("D-1", DEPLOYMENT, "alice", asked=True)
            await ends.expect("D-2", DEPLOYMENT, "bob", asked=True)
            await ends.expect("D-3", DEPLOYMENT, "bob", asked=True)  # never came to be recorded
            await events.emit(ended("D-1"))
            await asyncio.sleep(5.0)
        assert first.ran == []
        async with world.server(second) as (events, _):
            await asyncio.sleep(20.0)
            assert [(one.operation, one.user) for one in second.ran] == [("D-1", "alice")]
            assert world.due.rows == {"D-2": "bob"}
            await events.emit(ended("D-2"))
            await asyncio.sleep(20.0)
        assert [one.operation for one in second.ran] == ["D-1", "D-2"]
        async with world.server(third):
            await asyncio.sleep(60.0)
        assert third.ran == []

    run(story())


def test_many_ends_at_once_do_not_start_as_many_commands() -> None:
    async def story() -> None:
        world, hooks = World(), ScriptedHooks(seconds=1.0)
        async with world.server(hooks) as (events, ends):
            for number in range(50):
                await ends.expect(f"D-{number}", DEPLOYMENT, "alice", asked=True)
                await events.emit(ended(f"D-{number}"))
            await asyncio.sleep(60.0)
        assert len(hooks.ran) == 50
        assert hooks.most == AT_ONCE

    run(story())


def test_who_follows_an_operation_that_is_over_does_not_wait_for_the_command() -> None:
    async def story() -> None:
        world, hooks = World(), ScriptedHooks()
        async with world.server(hooks) as (events, ends):
            await ends.expect("D-1", DEPLOYMENT, "alice", asked=True)
            await events.emit(ended())
            await asyncio.sleep(60.0)
            assert [number async for number, _ in events.follow("D-1")] == [1]
            assert [number async for number, _ in events.follow("D-1", after=1)] == []
            assert [number async for number, _ in events.follow("D-1", after=2)] == []

    run(story())
