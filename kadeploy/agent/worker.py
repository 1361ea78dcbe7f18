"""Runs what the server asks for: one command at a time, in the order asked, each key once.

A command asked for while another runs waits for its turn. What is cancelled is forgotten, so that it may be asked
for again; everything else is remembered. The worker does not care whether there is a connection: it `tell`s, and
what must not be lost stays in the results until it is acknowledged.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from kadeploy.agent.job import Command, Job, Meter
from kadeploy.agent.places import Places
from kadeploy.agent.results import Results
from kadeploy.domain.meeting import Acknowledge, Advance, Announce, Cancel, Ended, Message, Run, last_part
from kadeploy.errors import KadeployError
from kadeploy.process import loggable, run

_log = logging.getLogger(__name__)
PROGRESS_INTERVAL = 1.0  # seconds
_LAST_WORDS = 60.0  # seconds for the command that leaves this system: who still lives then did not leave


class Worker:
    def __init__(
        self,
        commands: Mapping[str, Command],
        results: Results,
        tell: Callable[[Message], None],
        *,
        node: str = "",
        server: str = "",
        progress_interval: float = PROGRESS_INTERVAL,
        hang_up: Callable[[bool], None] = lambda leaving: None,
    ) -> None:
        """`tell` sends to the server, or drops it when there is no connection; `hang_up` is called with true when
        this system is being left, with false when that failed."""
        self._commands = commands
        self._results = results
        self._tell = tell
        self._hang_up = hang_up
        self._node = node
        self._server = server
        self._interval = progress_interval
        self._places = Places()
        self._waiting: dict[str, Run] = {}
        self._running: tuple[str, asyncio.Task[None]] | None = None
        self._leaving: dict[str, tuple[str, ...]] = {}
        self._acknowledged: list[tuple[str, ...]] = []
        self._wake = asyncio.Event()

    def announce(self) -> tuple[Message, ...]:
        """What to say after a (re)connection: what is going on, then each result nobody has acknowledged."""
        results = self._results.unacknowledged()
        running = (self._running[0],) if self._running else ()
        state = Announce(running=(*running, *self._waiting), unacknowledged=tuple(ended.key for ended in results))
        return (state, *results)

    def hear(self, message: Message) -> None:
        """Take in what the server said."""
        match message:
            case Run():
                self._ask(message)
            case Cancel(key=key):
                self._cancel(key)
            case Acknowledge(key=key):
                self._results.acknowledge(key)
                if then := self._leaving.pop(key, None):
                    self._acknowledged.append(then)
                    self._wake.set()
            case _:
                _log.warning("the server said what only an agent says: %s", type(message).__name__)

    async def work(self) -> None:
        """For ever."""
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._acknowledged or self._waiting:
                    if self._acknowledged:
                        await self._leave(self._acknowledged.pop())
                    else:
                        await self._perform(self._waiting.pop(next(iter(self._waiting))))
        finally:
            self._places.close()

    def _ask(self, asked: Run) -> None:
        if ended := self._results.of(asked.key):
            self._tell(ended)
        elif asked.key not in self._waiting and not self._is_at(asked.key):
            self._waiting[asked.key] = asked
            self._wake.set()

    def _is_at(self, key: str) -> bool:
        """Whether it runs, and is not just being ended: asked again meanwhile, it is to be done anew."""
        return bool(self._running and self._running[0] == key and not self._running[1].cancelling())

    def _cancel(self, key: str) -> None:
        self._leaving.pop(key, None)
        if self._waiting.pop(key, None):
            _log.info("%s is cancelled before it began", key)
        elif self._running and self._running[0] == key:
            _log.info("%s is cancelled", key)
            self._running[1].cancel()

    async def _perform(self, asked: Run) -> None:
        _log.info("%s: %s", asked.name, asked.key)
        meter = Meter()
        self._results.begin(asked.key, asked.name)
        async with asyncio.TaskGroup() as group:
            work = group.create_task(self._attempt(asked, meter), name=asked.key)
            progress = group.create_task(self._report(asked.key, meter), name="progress")
            self._running = (asked.key, work)
            work.add_done_callback(lambda _: progress.cancel())
        self._running = None
        if work.cancelled():
            self._results.forget(asked.key)

    async def _attempt(self, asked: Run, meter: Meter) -> None:
        job = Job(key=asked.key, node=self._node, server=self._server, meter=meter, places=self._places)
        try:
            ended = await self._call(asked, job)
        except KadeployError as error:
            ended = Ended(key=asked.key, ok=False, reason=last_part(str(error)))
        except Exception as error:
            _log.exception("%s is at fault", asked.name)
            reason = last_part(f"the command {asked.name} is at fault: {type(error).__name__}: {error}")
            ended = Ended(key=asked.key, ok=False, reason=reason)
        _log.info("%s: %s", asked.name, "done" if ended.ok else f"failed: {ended.reason}")
        self._results.end(ended)
        self._tell(ended)

    async def _call(self, asked: Run, job: Job) -> Ended:
        command = self._commands.get(asked.name)
        if command is None:
            return Ended(key=asked.key, ok=False, reason=f"this agent knows no command {asked.name!r}")
        answer = await command(asked.args, job)
        if answer.then:
            self._leaving[asked.key] = answer.then
        return Ended(key=asked.key, ok=True, output=last_part(answer.output))

    async def _report(self, key: str, meter: Meter) -> None:
        """Ends by being cancelled."""
        said = Meter()
        while True:
            await asyncio.sleep(self._interval)
            if meter != said:
                said = replace(meter)
                self._tell(Advance(key=key, done=said.done, total=said.total, detail=said.detail))

    async def _leave(self, argv: tuple[str, ...]) -> None:
        _log.info("leaving: %s", loggable(argv))
        self._hang_up(True)
        finished = await run(argv, deadline=_LAST_WORDS)
        self._hang_up(False)
        _log.error("still here after %s: %s", loggable(argv), finished.reason)
