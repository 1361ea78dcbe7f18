"""The services as one operation's steps have them: nodes that are withdrawn from it in the middle of a step are left
alone from then on, and nobody waits for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import Level
from kadeploy.domain.result import Result
from kadeploy.engine.run import Run
from kadeploy.ports.power import Power
from kadeploy.ports.presence import Presence, System
from kadeploy.ports.remote import Command, Remote, Terms
from kadeploy.ports.running import RunningSystem
from kadeploy.ports.step import Services

WITHDRAWN = "withdrawn from the operation"


def withdrawable(services: Services, run: Run) -> Services:
    """Also with the nodes as the operation found them."""
    return replace(
        services,
        site=run.site,
        power=_Power(services.power, run),
        remote=_Remote(services.remote, run),
        presence=_Presence(services.presence, run),
        running=_Running(services.running, run) if services.running is not None else None,
    )


class _Power:
    """A node may be withdrawn while it waits to be let through the window: it is not switched any more."""

    def __init__(self, inner: Power, run: Run) -> None:
        self._inner = inner
        self._run = run

    async def on(self, nodes: NodeSet, level: Level) -> Result:
        return await _of_own(self._run, nodes, lambda own: self._inner.on(own, level))

    async def off(self, nodes: NodeSet, level: Level) -> Result:
        return await _of_own(self._run, nodes, lambda own: self._inner.off(own, level))

    async def cycle(self, nodes: NodeSet, level: Level) -> Result:
        return await _of_own(self._run, nodes, lambda own: self._inner.cycle(own, level))

    async def status(self, nodes: NodeSet) -> Result:
        return await self._inner.status(nodes)


class _Remote:
    """What runs on a node when it is withdrawn is stopped by whoever withdraws it; nothing new is begun."""

    def __init__(self, inner: Remote, run: Run) -> None:
        self._inner = inner
        self._run = run

    async def run(
        self, nodes: NodeSet, make: Callable[[str], Command], terms: Terms, *, leaves: bool = False
    ) -> Result:
        own = nodes - self._run.withdrawn
        terms.ended(nodes - own)
        result = await self._inner.run(own, make, terms, leaves=leaves)
        return Result.merge(result, Result.failed(nodes - own, WITHDRAWN)) if own != nodes else result

    async def stop(self, nodes: NodeSet) -> None:
        await self._inner.stop(nodes)


class _Running:
    """Commands over SSH cannot be ended from here; who withdraws nodes waits for those that run."""

    def __init__(self, inner: RunningSystem, run: Run) -> None:
        self._inner = inner
        self._run = run

    async def put(self, nodes: NodeSet, files: Mapping[str, str], *, deadline: float) -> Result:
        return await _of_own(self._run, nodes, lambda own: self._inner.put(own, files, deadline=deadline))

    async def run(
        self, nodes: NodeSet, make: Callable[[str], Sequence[str]], *, deadline: float, leaves: bool = False
    ) -> Result:
        return await _of_own(self._run, nodes, lambda own: self._inner.run(own, make, deadline=deadline, leaves=leaves))


class _Presence:
    """A node that is withdrawn counts as seen: what a step says of it is not heard any more."""

    def __init__(self, inner: Presence, run: Run) -> None:
        self._inner = inner
        self._run = run

    async def watch(
        self,
        nodes: NodeSet,
        system: System,
        since: float,
        *,
        owner: str = "",
        addresses: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[str, None]:
        news = asyncio.ensure_future(self._run.news.wait())
        gone = nodes & self._run.withdrawn
        for name in gone:
            yield name
        coming: asyncio.Future[str] | None = None
        watch = self._inner.watch(nodes - gone, system, since, owner=owner, addresses=addresses)
        async with aclosing(watch) as arrivals:
            try:
                while True:
                    coming = coming or asyncio.ensure_future(anext(arrivals))
                    either: set[asyncio.Future[Any]] = {coming, news}
                    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                    if news.done():
                        news = asyncio.ensure_future(self._run.news.wait())
                        for name in (nodes & self._run.withdrawn) - gone:
                            yield name
                        gone = nodes & self._run.withdrawn
                    if coming.done():
                        try:
                            name = coming.result()
                        except StopAsyncIteration:
                            return
                        coming = None
                        if name not in gone:
                            yield name
            finally:
                news.cancel()
                if coming is not None:
                    coming.cancel()
                    with suppress(asyncio.CancelledError, StopAsyncIteration):
                        await coming


async def _of_own(run: Run, nodes: NodeSet, act: Callable[[NodeSet], Awaitable[Result]]) -> Result:
    """Act on the nodes that are still the operation's; who withdraws one waits until this has ended."""
    own = nodes - run.withdrawn
    if not own:
        return Result.failed(nodes, WITHDRAWN)
    with run.touching(own):
        return Result.merge(await act(own), Result.failed(nodes - own, WITHDRAWN))
