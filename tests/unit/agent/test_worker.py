"""The worker with commands of the test's own, on an event loop without sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kadeploy.agent.job import Answer, Job
from kadeploy.agent.results import Results
from kadeploy.agent.worker import Worker
from kadeploy.domain.meeting import Acknowledge, Advance, Announce, Cancel, Ended, Message, Run
from kadeploy.errors import CommandFailed


@dataclass
class Bench:
    """Commands, what the worker said, and the worker."""

    folder: Path
    said: list[Message] = field(default_factory=list)
    began: list[str] = field(default_factory=list)
    hung_up: list[bool] = field(default_factory=list)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    spoken: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        commands = {"quick": self.quick, "wait": self.wait, "bad": self.bad, "bug": self.bug, "count": self.count}
        results = Results(self.folder / "results")
        commands["leave"] = self.leave
        self.worker = Worker(commands, results, self.tell, progress_interval=0.01, hang_up=self.hung_up.append)

    def tell(self, message: Message) -> None:
        self.said.append(message)
        self.spoken.set()

    async def ended(self, key: str) -> Ended:
        while True:
            for message in self.said:
                if isinstance(message, Ended) and message.key == key:
                    return message
            self.spoken.clear()
            await self.spoken.wait()

    async def quick(self, args: Mapping[str, object], job: Job) -> Answer:
        self.began.append(job.key)
        return Answer(output="done")

    async def wait(self, args: Mapping[str, object], job: Job) -> Answer:
        self.began.append(job.key)
        self.spoken.set()
        await self.go_on.wait()
        return Answer(output="waited")

    async def bad(self, args: Mapping[str, object], job: Job) -> Answer:
        raise CommandFailed("the disk is too small")

    async def bug(self, args: Mapping[str, object], job: Job) -> Answer:
        raise ZeroDivisionError("oh")

    async def count(self, args: Mapping[str, object], job: Job) -> Answer:
        job.meter.total = 1000
        while not self.go_on.is_set():
            job.meter.done += 1
            await asyncio.sleep(0)
        return Answer()

    async def leave(self, args: Mapping[str, object], job: Job) -> Answer:
        return Answer(output="going", then=("touch", str(self.folder / "left")))


@contextlib.asynccontextmanager
async def bench(folder: Path) -> AsyncIterator[Bench]:
    one = Bench(folder)
    working = asyncio.create_task(one.worker.work())
    try:
        yield one
    finally:
        working.cancel()
        await asyncio.wait([working])


async def until(claim: Callable[[], bool]) -> None:
    while not claim():  # noqa: ASYNC110 (nothing but the loop makes it true)
        await asyncio.sleep(0)


def run(key: str, name: str) -> Run:
    return Run(key=key, name=name)


def test_a_key_is_run_once_however_often_it_is_said(tmp_path: Path) -> None:
    async def go() -> None:
        async with bench(tmp_path) as one:
            for _ in range(3):
                one.worker.hear(run("k", "wait"))
                await asyncio.sleep(0)
            one.go_on.set()
            await one.ended("k")
            one.worker.hear(run("k", "wait"))
            assert one.began == ["k"]
            assert one.said == [Ended(key="k", ok=True, output="waited")] * 2

    asyncio.run(go())


def test_failures_have_reasons(tmp_path: Path) -> None:
    async def go() -> None:
        async with bench(tmp_path) as one:
            for name in ("bad", "bug", "unknown"):
                one.worker.hear(run(name, name))
            reasons = [(await one.ended(name)).reason for name in ("bad", "bug", "unknown")]
            assert reasons == [
                "the disk is too small",
                "the command bug is at fault: ZeroDivisionError: oh",
                "this agent knows no command 'unknown'",
            ]

    asyncio.run(go())


def test_the_second_waits_and_both_are_announced(tmp_path: Path) -> None:
    async def go() -> None:
        async with bench(tmp_path) as one:
            one.worker.hear(run("0", "quick"))
            await one.ended("0")
            one.worker.hear(run("1", "wait"))
            one.worker.hear(run("2", "quick"))
            await until(lambda: len(one.began) == 2)
            done = Ended(key="0", ok=True, output="done")
            assert one.worker.announce() == (Announce(running=("1", "2"), unacknowledged=("0",)), done)
            one.worker.hear(Acknowledge(key="0"))
            assert one.worker.announce() == (Announce(running=("1", "2")),)
            one.go_on.set()
            await one.ended("2")
            assert one.began == ["0", "1", "2"]

    asyncio.run(go())


def test_cancelled_is_as_never_asked(tmp_path: Path) -> None:
    async def go() -> None:
        async with bench(tmp_path) as one:
            one.worker.hear(run("1", "wait"))
            one.worker.hear(run("2", "quick"))
            await until(lambda: bool(one.began))
            one.worker.hear(Cancel(key="2"))
            one.worker.hear(Cancel(key="1"))
            await until(lambda: one.worker.announce() == (Announce(),))
            one.worker.hear(run("2", "quick"))
            await one.ended("2")
            one.worker.hear(run("1", "quick"))
            await one.ended("1")
            assert one.began == ["1", "2", "1"]

    asyncio.run(go())


def test_what_is_asked_again_while_it_is_being_ended_is_done_anew(tmp_path: Path) -> None:
    async def go() -> None:
        async with bench(tmp_path) as one:
            one.worker.hear(run("1", "wait"))
            await until(lambda: bool(one.began))
            one.worker.hear(Cancel(key="1"))
            one.worker.hear(run("1", "quick"))
            assert (await one.ended("1")).output == "done"
            assert one.began == ["1", "1"]

    asyncio.run(go())


def test_progress_is_said_at_most_once_an_interval(tmp_path: Path) -> None:
    async def go() -> None:
        loop = asyncio.get_running_loop()
        async with bench(tmp_path) as one:
            began = loop.time()
            one.worker.hear(run("k", "count"))
            await until(lambda: len(one.said) >= 5)
            passed = loop.time() - began
            one.go_on.set()
            await one.ended("k")
            advances = [message for message in one.said if isinstance(message, Advance)]
            assert all(message.total == 1000 for message in advances)
            assert [message.done for message in advances] == sorted({message.done for message in advances})
            assert passed >= 5 * 0.01

    asyncio.run(go())


def test_it_leaves_only_when_the_answer_is_acknowledged(tmp_path: Path) -> None:
    async def go() -> None:
        async with bench(tmp_path) as one:
            one.worker.hear(run("k", "leave"))
            one.worker.hear(run("next", "quick"))
            await one.ended("next")
            assert not await asyncio.to_thread((tmp_path / "left").exists)
            one.worker.hear(Acknowledge(key="k"))
            await until((tmp_path / "left").exists)
            await until(lambda: one.hung_up == [True, False])

    asyncio.run(go())


def test_it_does_not_leave_when_that_is_cancelled(tmp_path: Path) -> None:
    async def go() -> None:
        async with bench(tmp_path) as one:
            one.worker.hear(run("k", "leave"))
            await one.ended("k")
            one.worker.hear(Cancel(key="k"))
            one.worker.hear(Acknowledge(key="k"))
            one.worker.hear(run("next", "quick"))
            await one.ended("next")
            assert not await asyncio.to_thread((tmp_path / "left").exists)

    asyncio.run(go())
