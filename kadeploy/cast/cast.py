"""A file to many hosts at once: logs in everywhere, serves the file, gives the orders, collects the outcomes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field

from kadeploy.broadcast.digests import EVERYWHERE
from kadeploy.broadcast.manifest import Manifest, Manifests
from kadeploy.broadcast.reception import Outcome, Progress
from kadeploy.broadcast.sink import SinkOrder
from kadeploy.broadcast.source import Head
from kadeploy.cast.host import Host, HostLost, relay_on
from kadeploy.cast.seating import Seating
from kadeploy.cast.wanted import Cast

AT_ONCE = 50  # logins


@dataclass(slots=True)
class Board:
    """What is known of each host, for whoever shows it. `size`: bytes of the file."""

    size: int = 0
    progress: dict[str, Progress] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)  # why
    logged_in: int = 0
    has_changed: bool = False  # the file, while it was sent

    @property
    def reasons(self) -> Mapping[str, str]:
        """Of all that failed."""
        failed = {name: str(outcome.reason) for name, outcome in self.outcomes.items() if not outcome.ok}
        return {**self.lost, **failed}

    @property
    def well(self) -> Collection[str]:
        return [name for name, outcome in self.outcomes.items() if outcome.ok]


async def cast(wanted: Cast, board: Board) -> None:
    """Returns when every host is through or lost; the board says which. Raises InvalidFile, OSError."""
    try:
        await _cast(wanted, board)
    except ExceptionGroup as group:  # one of them says why as well as all
        raise group.exceptions[0] from group


async def _cast(wanted: Cast, board: Board) -> None:
    manifests = Manifests(wanted.file)
    manifest = await asyncio.to_thread(manifests.by, EVERYWHERE)
    board.size = manifest.size
    async with _serving(wanted, manifest) as head:
        seating = Seating(head, manifests, wanted.shape, wanted.limits, set(wanted.hosts))
        window = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            group.create_task(seating.wait_for_most())
            for name in wanted.hosts:
                group.create_task(_one(name, wanted, board, seating, window))
        board.has_changed = manifests.is_stale


@contextlib.asynccontextmanager
async def _serving(wanted: Cast, manifest: Manifest) -> AsyncIterator[Head]:
    head = Head(wanted.file, manifest, stall=wanted.limits.stall, rate=wanted.rate)
    head.start()
    try:
        yield head
    finally:
        await asyncio.to_thread(head.stop)


async def _one(name: str, wanted: Cast, board: Board, seating: Seating, window: asyncio.Semaphore) -> None:
    """From its login to its outcome."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            async with window:
                host = await stack.enter_async_context(relay_on(name, wanted.access))
            board.logged_in += 1
            await _receive(host, wanted.sink, board, seating)
        except HostLost as lost:
            board.lost[name] = str(lost)
            seating.gone(name)


async def _receive(host: Host, sink: SinkOrder, board: Board, seating: Seating) -> None:
    report = _reporter(board, host.name)
    outcome = await host.receive(await seating.orders(host), sink, report)
    report(outcome.progress)
    board.outcomes[host.name] = outcome


def _reporter(board: Board, name: str) -> Callable[[Progress], None]:
    def report(progress: Progress) -> None:
        board.progress[name] = progress

    return report
