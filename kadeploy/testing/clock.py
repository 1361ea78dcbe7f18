"""A clock that jumps: an event loop on which waiting takes no time.

Whenever nothing is ready to run, the loop's time moves to the next timer. Every `asyncio.sleep` and
`asyncio.timeout` is thereby as long as it says in the loop's time and takes no wall time. While work is out in a
thread (the store) or in a process, time stands still: it would otherwise run ahead of it.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any, Final, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

EPOCH: Final = 1_700_000_000.0  # what a jumping clock's `now` starts at


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps over idle waiting."""

    def __init__(self) -> None:
        self._jumped = 0.0
        self._outside = 0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self._jumped

    def jump(self, seconds: float) -> None:
        self._jumped += seconds

    @property
    def is_waiting_outside(self) -> bool:
        """Whether work handed to a thread has not come back yet."""
        return self._outside > 0

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        future = super().run_in_executor(executor, func, *args)
        self._outside += 1
        future.add_done_callback(self._came_back)
        return future

    async def subprocess_exec(self, protocol_factory: Callable[[], Any], *args: Any, **options: Any) -> Any:
        """Time stands still while the process runs, too."""

        def counted() -> Any:
            protocol = protocol_factory()
            told = protocol.process_exited

            def exited() -> None:
                self._outside -= 1
                told()

            protocol.process_exited = exited
            return protocol

        self._outside += 1
        try:
            return await super().subprocess_exec(counted, *args, **options)
        except BaseException:
            self._outside -= 1
            raise

    @contextmanager
    def outside(self) -> Iterator[None]:
        """While the loop waits for a thread that it did not start itself."""
        self._outside += 1
        try:
            yield
        finally:
            self._outside -= 1

    def _came_back(self, _future: asyncio.Future[T]) -> None:
        self._outside -= 1


class StillLoop(JumpingLoop):
    """One on which also what is handed to a thread takes no time: it is done there and then, so that a run with real
    files is the same again. For work that never waits for the loop."""

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


class _JumpingSelector(selectors.DefaultSelector):
    """Asks for input without waiting, then lets the loop's time jump by what it was asked to wait."""

    def __init__(self, loop: JumpingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or self._loop.is_waiting_outside:
            return super().select(None if timeout is None or timeout > 0 else 0)
        ready = super().select(0)
        if not ready and timeout > 0:
            self._loop.jump(timeout)
        return ready


class LoopClock:
    """Implements ports.clock.Clock by the running loop's time."""

    def now(self) -> float:
        return EPOCH + asyncio.get_running_loop().time()


def run_jumping(main: Coroutine[object, object, T], loop: type[JumpingLoop] = JumpingLoop) -> T:
    """`asyncio.run` on a jumping loop."""
    with asyncio.Runner(loop_factory=loop) as runner:
        return runner.run(main)
