"""`kadeployd`: the composition root. Configuration -> adapters -> engine -> API, in one task group.

Nothing imports this file; `composition.py` puts the inside together, `node_side.py` what talks with nodes. What is
started here is ended here; when one part of the server dies, all of it does, and an operation that was under way goes
on at the next start.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from kadeploy import serving as http
from kadeploy.boot.local_disk import disk_program
from kadeploy.composition import compose, opened, settle_memory
from kadeploy.config.load import Loaded, load_site, load_without_site
from kadeploy.config.server import ServerConfig
from kadeploy.detaching import Detachment, detach
from kadeploy.domain.node import Site
from kadeploy.engine.durable import DurableEngine
from kadeploy.errors import BadConfiguration, KadeployError
from kadeploy.live_api import LiveApi
from kadeploy.live_site import LiveSite
from kadeploy.node_side import NodeSide, Opened, Side
from kadeploy.reloading import (
    Certificates,
    Decisions,
    Doors,
    FetchedFiles,
    LogLevel,
    Reloading,
    chain_from,
)
from kadeploy.securing import now, wanted_tls
from kadeploy.store.boot_times import SqlBootTimes
from kadeploy.store.environments import SqlEnvironments
from kadeploy.testing.simulation import SimulatedSide, Simulation, offer_environment, own_state, set_apart, usual_server
from kadeploy.tls.opened import ServerTls, open_tls

WORDY = ("httpx2", "httpcore2", "fsspec", "s3fs", "aiobotocore", "botocore", "asyncssh")
"""What they log of requests and commands has everything in it that signs these."""

log = logging.getLogger(__name__)


async def serve(loaded: Loaded, simulation: Simulation | None, reloading: Reloading, log_level: LogLevel) -> None:
    """Until SIGTERM or SIGINT; SIGHUP reads the configuration again.

    Raises KadeployError for what keeps the server from starting.
    """
    config = loaded.server
    stop, again = asyncio.Event(), asyncio.Event()
    for number, event in {signal.SIGTERM: stop, signal.SIGINT: stop, signal.SIGHUP: again}.items():
        asyncio.get_running_loop().add_signal_handler(number, event.set)
    live = LiveSite(loaded.site)
    loaded = loaded._replace(site=live.site)
    settle_memory()
    with opened(config) as store:
        tls = open_tls(wanted_tls(config), now())
        nodes = _simulated(simulation, config, store) if simulation else await _real_nodes(loaded, store, tls)
        inside = compose(config, nodes, store, reloading)
        chain = chain_from(config, inside.use_cases.tokens)
        api = LiveApi(inside.use_cases, chain, config, authority=tls.api_authority)
        reloading.parts = (
            live,
            nodes,
            FetchedFiles(files=store.files),
            Decisions(inside=inside),
            Doors(chain=chain, tokens=inside.use_cases.tokens),
            Certificates(tls=tls),
            api,
            log_level,
        )
        async with asyncio.TaskGroup() as group:
            listening = http.listen(str(config.listen_address), config.listen.port)
            await store.files.keep_only([*await inside.operations.running(), *await inside.operations.queued()])
            await inside.use_cases.kept_uploads.settle()
            await inside.use_cases.node_states.recover()
            await nodes.start(group)
            if simulation:
                await offer_environment(SqlEnvironments(store.database), config.state_directory)
            await inside.engine.launch()
            group.create_task(http.serve(api, listening, tls=tls.api), name="API")
            if tls.issued is not None:
                group.create_task(tls.issued.keep(tls.renewable, clock=now), name="renewal of the certificate")
            _tell(config, tls, len(nodes.site.nodes))
            group.create_task(inside.use_cases.hooks.serve(), name="commands at the ends of operations")
            group.create_task(inside.use_cases.waiting_room.serve(), name="operations that wait for nodes")
            group.create_task(inside.use_cases.retention.serve(), name="deletion of old operations")
            group.create_task(inside.use_cases.lost_rights.serve(), name="ends of rights")
            group.create_task(inside.use_cases.consoles.serve(), name="consoles")
            group.create_task(reloading.follow(again), name="reading the configuration again")
            group.create_task(_until(stop, nodes, inside.engine), name="shutdown")


def _simulated(simulation: Simulation, config: ServerConfig, store: Opened) -> Side:
    return SimulatedSide(simulation, config, SqlBootTimes(store.database))


def _tell(config: ServerConfig, tls: ServerTls, nodes: int) -> None:
    scheme = "https" if tls.api else "http"
    log.info("ready on %s://%s:%d, %d nodes", scheme, config.listen_address, config.listen.port, nodes)
    if tls.authority is not None:
        log.info("the authority's fingerprint (SHA-256) is %s", tls.authority.fingerprint)
    if tls.api is None and not config.listen_address.is_loopback:
        log.warning("security.secure_server is false: passwords and tokens travel in clear")


async def _real_nodes(loaded: Loaded, store: Opened, tls: ServerTls) -> Side:
    boot = loaded.server.boot
    if boot is None:
        raise BadConfiguration("server.conf: boot: is missing: nodes could not boot from the network")
    return NodeSide(loaded.site, loaded.server, boot, store, await disk_program(), tls)


class _Stopped(Exception):
    """The server was told to stop."""


async def _until(stop: asyncio.Event, nodes: Side, engine: DurableEngine) -> None:
    """Wait for the signal, then leave in an order that ends nothing on the nodes."""
    await stop.wait()
    log.info("stopping; what is under way goes on at the next start")
    nodes.leave()
    await engine.close()
    raise _Stopped


@contextlib.contextmanager
def _pidfile(path: Path | None) -> Iterator[None]:
    if path is None:
        yield
        return
    path.write_text(f"{os.getpid()}\n")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def start(
    detachment: Detachment | None,
    directory: Path | None,
    pidfile: Path | None,
    verbose: bool,
    simulate: int | None,
    simulate_speed: float,
    simulate_faults: float,
    simulate_domain: str,
    simulate_clusters: int,
) -> None:
    """Until it is told to stop; what keeps it from serving is told, with exit code 1."""
    logging.basicConfig(
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    for library in WORDY:
        logging.getLogger(library).setLevel(logging.WARNING)
    failures: list[BaseException] = []
    try:
        with contextlib.ExitStack() as stack:
            read = partial(_load, directory, simulated=simulate is not None)
            loaded, simulation = read(), None
            if detachment is not None:
                detach(detachment, os.environ)
            if simulate is not None:
                simulation = Simulation(
                    nodes=simulate,
                    speed=simulate_speed,
                    faults=simulate_faults,
                    domain=simulate_domain,
                    clusters=min(simulate, simulate_clusters),
                )
                read = partial(_set_apart, read, stack.enter_context(own_state()))
                loaded = read()
            stack.enter_context(_pidfile(pidfile))
            log_level = LogLevel(least=logging.DEBUG if verbose else logging.CRITICAL)
            log_level.prepare(loaded)()
            asyncio.run(serve(loaded, simulation, Reloading(read, loaded), log_level))
    except* _Stopped:
        pass
    except* KadeployError as errors:
        failures = list(_leaves(errors))  # leaving from in here would be an error of a group, with its traceback
    for error in failures:
        print(f"kadeployd: {error}", file=sys.stderr)
    if failures:
        sys.exit(1)


def _set_apart(read: Callable[[], Loaded], state: Path) -> Loaded:
    """Each time that it is read, or a reload would give back what is the simulation's own."""
    loaded = read()
    return loaded._replace(server=set_apart(loaded.server, state))


def _load(directory: Path | None, *, simulated: bool) -> Loaded:
    """What is configured; a simulation needs no configuration, and none of clusters."""
    if simulated and directory is None:
        return Loaded(usual_server(), Site(nodes={}, clusters={}), ())
    place = directory or Path(os.environ.get("KADEPLOY_CONFIG_DIR", "/etc/kadeploy"))
    loaded = load_without_site(place) if simulated else load_site(place)
    for warning in loaded.warnings:
        log.warning("%s", warning)
    return loaded


def _leaves(group: BaseExceptionGroup[KadeployError]) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
