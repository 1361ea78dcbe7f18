"""`kadeployd --simulate`: a whole server over simulated nodes, for trying the tools at any scale on any machine.

Nothing of a real server is touched: its state is kept in a directory that is gone at the end.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from kadeploy.config.authentication import Acl, Authentication
from kadeploy.config.description import describe
from kadeploy.config.files import Cache
from kadeploy.config.load import Loaded
from kadeploy.config.security import Security
from kadeploy.config.server import Database, Rights, ServerConfig
from kadeploy.domain.environment import Visibility
from kadeploy.domain.node import Firmware, Site
from kadeploy.domain.timeout import Timeout
from kadeploy.drivers.window import SlotWindow
from kadeploy.node_side import SystemClock, of_window
from kadeploy.ports.gauge import Gauge
from kadeploy.ports.step import Services
from kadeploy.ports.store import BootTimes, Environments
from kadeploy.testing.cluster import SimulatedCluster
from kadeploy.testing.console import SimulatedConsoles
from kadeploy.testing.nodes import Fault, draw_faults
from kadeploy.testing.sites import site_of
from kadeploy.testing.timing import Skewed, Timing
from kadeploy.testing.vlans import SimulatedVlans

IMAGE: Final = "images/simulated.tar.gz"
ENVIRONMENT: Final = "simulated"
OWNER: Final = "root"
REAL: Final = Timing(boot_minimal=Skewed(90.0), boot_installed=Skewed(60.0), kexec=Skewed(15.0, 0.1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """`speed`: how many times faster than real ones the nodes are; `faults`: the share of them that is faulty;
    `domain`: what follows their names; `clusters`: how many they are in."""

    nodes: int
    speed: float = 10.0
    faults: float = 0.0
    domain: str = ""
    clusters: int = 1
    seed: int = 1


class SimulatedSide:
    """Implements node_side.Side. Every node runs a system when the server starts."""

    def __init__(self, simulation: Simulation, config: ServerConfig, boot_times: BootTimes) -> None:
        self.clock = SystemClock()
        made = site_of(simulation.nodes, domain=simulation.domain, clusters=simulation.clusters)
        self.site = faster(made, simulation.speed)
        window, self._speed = config.windows.reboot, simulation.speed
        self._cluster = SimulatedCluster(
            self.site,
            self.clock,
            seed=simulation.seed,
            faults=faults_of(simulation, self.site),
            timing=REAL.scaled(1 / simulation.speed),
            window=SlotWindow(window.size, window.sleep_time / simulation.speed),
            boot_times=boot_times,
        )
        self._vlans = SimulatedVlans(is_offered=bool(config.network.vlan.set_cmd))
        self._cluster.services = replace(self._cluster.services, vlan=self._vlans)
        self._cluster.settle_in()
        self.consoles = SimulatedConsoles({name: node.serial for name, node in self._cluster.nodes.items()})

    def services(self) -> Services:
        return self._cluster.services

    async def start(self, group: asyncio.TaskGroup) -> None:
        """Simulated nodes need nothing to be served."""

    def leave(self) -> None:
        """Simulated nodes end with the server."""

    def prepare(self, new: Loaded) -> Callable[[], object]:
        return partial(self._take_over, new.server)

    def _take_over(self, config: ServerConfig) -> None:
        window = config.windows.reboot
        self._cluster.window.resize(window.size, window.sleep_time / self._speed)
        self._vlans.is_offered = bool(config.network.vlan.set_cmd)

    def gauges(self) -> Iterable[Gauge]:
        yield Gauge(name="agents_connected", says="Agents that are connected", value=self._cluster.agents)
        yield from of_window("reboot", self._cluster.window)


def faults_of(simulation: Simulation, site: Site) -> dict[str, Fault]:
    return dict(draw_faults(list(site.nodes), share=simulation.faults, seed=simulation.seed))


def faster(site: Site, speed: float) -> Site:
    """The same site, with what its clusters wait divided by the speed; every second node has UEFI."""
    clusters = {
        name: replace(
            cluster,
            reboot_timeout=Timeout(f"({cluster.reboot_timeout.formula})/{speed:g}"),
            kexec_timeout=Timeout(f"({cluster.kexec_timeout.formula})/{speed:g}"),
            patience=replace(cluster.patience, least=cluster.patience.least / speed),
        )
        for name, cluster in site.clusters.items()
    }
    nodes = {
        name: replace(node, firmware=Firmware.UEFI if index % 2 else Firmware.BIOS)
        for index, (name, node) in enumerate(site.nodes.items())
    }
    return Site(nodes=nodes, clusters=clusters)


def usual_server() -> ServerConfig:
    """For a simulation without a configuration: this machine's users are believed, and may do everything."""
    return ServerConfig(
        authentication=Authentication(acl=Acl(whitelist=("127.0.0.1", "localhost"))),
        rights=Rights(kind="dummy"),
        security=Security(secure_server=False, local_only=True),
    )


@contextlib.contextmanager
def own_state() -> Iterator[Path]:
    """A directory for what a simulation keeps, with an image, which is gone at the end."""
    with tempfile.TemporaryDirectory(prefix="kadeploy-simulated-") as directory:
        state = Path(directory)
        (state / IMAGE).parent.mkdir()
        _write_image(state / IMAGE)
        yield state


def set_apart(config: ServerConfig, state: Path) -> ServerConfig:
    """The configuration with that state in place of its own, and the image there for everybody."""
    roots = (*config.files.roots, (state / IMAGE).parent)
    return config.model_copy(
        update={
            "state_directory": state,
            "database": Database(),
            "cache": Cache(size=config.cache.size),
            "files": config.files.model_copy(update={"roots": roots, "as_user": False}),
        }
    )


async def offer_environment(environments: Environments, state: Path) -> None:
    """Record a small image that everybody can deploy."""
    description = {
        "name": ENVIRONMENT,
        "description": "A small image for simulated nodes",
        "visibility": Visibility.PUBLIC.value,
        "os": "linux",
        "image": {"file": f"server://{state / IMAGE}", "kind": "tar", "compression": "gzip"},
        "boot": {"kernel": "/vmlinuz", "initrd": "/initrd.img"},
        "filesystem": "ext4",
    }
    await environments.add(describe(description, user=OWNER).environment)


def _write_image(path: Path) -> None:
    with tarfile.open(path, "w:gz") as archive:
        content = b"simulated\n"
        entry = tarfile.TarInfo("etc/hostname")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
