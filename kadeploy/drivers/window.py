"""A window: so many nodes at once over all operations of this server, and operations by turns.

Restarting nodes draws current and asks the boot services for much, all at the same time; probing thousands of
addresses at once costs the server. A slot that was used rests for the pause before it is used again: never do more
than `size` nodes begin within one pause.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.errors import KadeployError
from kadeploy.ports.window import Passed


@dataclass(slots=True, eq=False)
class _Asking:
    count: int
    admitted: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class SlotWindow:
    """Implements ports.window.Window. `size` is in nodes, `pause` in seconds."""

    def __init__(self, size: int, pause: float = 0.0) -> None:
        if size < 1:
            raise ValueError(f"a window of {size} lets nobody in")
        self.size = size
        self.pause = pause
        self.used = 0
        self.resting = 0
        self._asking: OrderedDict[str, deque[_Asking]] = OrderedDict()  # the next owner whose turn it is first

    @property
    def waiting(self) -> int:
        """How many calls wait for slots."""
        return sum(map(len, self._asking.values()))

    @asynccontextmanager
    async def slots(self, owner: str, count: int = 1) -> AsyncIterator[None]:
        """Hold so many slots, all of the window at most, given back whatever happens inside."""
        asking = _Asking(min(count, self.size))
        await self._take(owner, asking)
        try:
            yield
        finally:
            self._give_back(asking.count)

    def resize(self, size: int, pause: float = 0.0) -> None:
        """From now on. Nobody who is inside has to leave, and who waits for more than there is now asks for less."""
        if size < 1:
            raise ValueError(f"a window of {size} lets nobody in")
        self.size, self.pause = size, pause
        for queue in self._asking.values():
            for asking in queue:
                asking.count = min(asking.count, size)
        self._admit()

    async def through(
        self, units: Iterable[NodeSet], act: Callable[[NodeSet], Awaitable[Result]], *, owner: str
    ) -> Passed:
        loop = asyncio.get_running_loop()
        began = last = loop.time()
        results: list[Result] = []

        async def let_in(waiting: Iterator[NodeSet]) -> None:
            nonlocal last
            for unit in waiting:
                async with self.slots(owner, len(unit)):
                    last = max(last, loop.time())
                    try:
                        results.append(await act(unit))
                    except KadeployError as error:
                        results.append(Result.failed(unit, str(error)))

        todo = tuple(units)
        shared = iter(todo)  # whichever worker is free takes the next
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.size, len(todo))):
                group.create_task(let_in(shared))
        return Passed(result=Result.merge(*results), waited=last - began)

    async def _take(self, owner: str, asking: _Asking) -> None:
        self._asking.setdefault(owner, deque()).append(asking)
        self._admit()
        try:
            await asking.admitted
        except asyncio.CancelledError:
            if asking.admitted.cancelled():
                self._withdraw(owner, asking)
            else:  # let in and cancelled in the same moment: nothing was begun, so nothing need rest
                self.used -= asking.count
            self._admit()
            raise

    def _admit(self) -> None:
        """Let in whoever's turn it is, as long as there is room for them: nobody overtakes a large unit."""
        while self._asking:
            owner, queue = next(iter(self._asking.items()))
            first = queue[0]
            is_gone = first.admitted.cancelled()
            if not is_gone and first.count > self.size - self.used - self.resting:
                return
            queue.popleft()
            if not queue:
                del self._asking[owner]
            elif not is_gone:
                self._asking.move_to_end(owner)
            if not is_gone:
                self.used += first.count
                first.admitted.set_result(None)

    def _withdraw(self, owner: str, asking: _Asking) -> None:
        queue = self._asking.get(owner, deque())
        if asking in queue:
            queue.remove(asking)
            if not queue:
                del self._asking[owner]

    def _give_back(self, count: int) -> None:
        self.used -= count
        if self.pause:
            self.resting += count
            asyncio.get_running_loop().call_later(self.pause, self._rested, count)
        else:
            self._admit()

    def _rested(self, count: int) -> None:
        self.resting -= count
        self._admit()
