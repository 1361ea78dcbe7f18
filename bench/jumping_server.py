"""The whole inside of a server, on the durable engine and SQLite, over simulated nodes and a clock that jumps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from kadeploy.composition import Inside, compose
from kadeploy.config.load import Loaded
from kadeploy.config.server import ServerConfig
from kadeploy.domain.access import Role
from kadeploy.domain.node import Site
from kadeploy.drivers.window import SlotWindow
from kadeploy.fetching import open_cache
from kadeploy.node_side import Opened
from kadeploy.operations.caller import Caller
from kadeploy.operations.deploy import DeployOrder, WantedEnvironment
from kadeploy.operations.no_consoles import NoConsoles
from kadeploy.ports.gauge import Gauge
from kadeploy.ports.step import Services
from kadeploy.store.boot_times import SqlBootTimes
from kadeploy.store.environments import SqlEnvironments
from kadeploy.testing.clock import LoopClock
from kadeploy.testing.cluster import SimulatedCluster
from kadeploy.testing.nodes import Fault
from kadeploy.testing.simulation import ENVIRONMENT, OWNER, offer_environment, own_state, set_apart, usual_server
from kadeploy.testing.sites import site_of
from kadeploy.testing.still import StillDatabase
from kadeploy.testing.timing import Timing

USER = Caller(name=OWNER, role=Role.ADMIN)
LOOK = 20.0  # simulated seconds between two looks at what runs


class JumpingSide:
    """Implements node_side.Side."""

    def __init__(self, site: Site, cluster: SimulatedCluster, clock: LoopClock) -> None:
        self.site = site
        self.cluster = cluster
        self.clock = clock
        self.consoles = NoConsoles()

    def services(self) -> Services:
        return self.cluster.services

    async def start(self, group: asyncio.TaskGroup) -> None:
        """Nothing to serve."""

    def leave(self) -> None:
        """Nothing to leave."""

    def gauges(self) -> Iterable[Gauge]:
        """Nobody watches."""
        return ()

    def prepare(self, new: Loaded) -> Callable[[], object]:
        """It stays as it was made."""
        return lambda: None


@dataclass(frozen=True, slots=True, kw_only=True)
class JumpingServer:
    inside: Inside
    side: JumpingSide
    config: ServerConfig
    store: Opened

    async def deploy(self, nodes: str) -> str:
        """The id of a deployment that has begun, through all the checks that a user's goes through."""
        order = DeployOrder(nodes=(nodes,), environment=WantedEnvironment(name=ENVIRONMENT))
        launched = await self.inside.use_cases.deploy.start(USER, order)
        return launched.operation.id

    async def until_all_have_ended(self) -> None:
        while await self.inside.operations.running():  # noqa: ASYNC110 - nobody tells; a look costs one query
            await asyncio.sleep(LOOK)


@asynccontextmanager
async def jumping_server(
    count: int,
    *,
    faults: Mapping[str, Fault] | None = None,
    window: SlotWindow | None = None,
    timing: Timing | None = None,
    seed: int = 1,
) -> AsyncIterator[JumpingServer]:
    """Must run on a jumping loop. What it keeps on the disk is gone at the end."""
    with own_state() as state:
        config = set_apart(usual_server(), state)
        store = Opened(
            database=StillDatabase.open(config.database_url),
            files=open_cache(config),
        )
        try:
            async with _launched(config, store, count, faults, window, timing or Timing(), seed) as server:
                yield server
        finally:
            store.files.close()
            store.database.close()


@asynccontextmanager
async def _launched(
    config: ServerConfig,
    store: Opened,
    count: int,
    faults: Mapping[str, Fault] | None,
    window: SlotWindow | None,
    timing: Timing,
    seed: int,
) -> AsyncIterator[JumpingServer]:
    site, clock = site_of(count), LoopClock()
    cluster = SimulatedCluster(
        site,
        clock,
        seed=seed,
        faults=faults,
        timing=timing,
        window=window or SlotWindow(config.windows.reboot.size, config.windows.reboot.sleep_time),
        boot_times=SqlBootTimes(store.database),
    )
    side = JumpingSide(site, cluster, clock)
    await offer_environment(SqlEnvironments(store.database), Path(config.state_directory))
    inside = compose(config, side, store)
    await inside.engine.launch()
    try:
        yield JumpingServer(inside=inside, side=side, config=config, store=store)
    finally:
        await inside.engine.close()
