"""Everything of the server that talks with nodes: their boot, their agents, their power."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kadeploy import serving as http
from kadeploy.boot.catalog import Catalog
from kadeploy.boot.dnsmasq import BootNetwork, configuration
from kadeploy.boot.dnsmasq_process import Dnsmasq
from kadeploy.boot.http import BootPages
from kadeploy.boot.minimal import MinimalEnvironment
from kadeploy.boot.service import CatalogBoot
from kadeploy.boot.solicitations import answer_solicitations
from kadeploy.broadcast.heads import ImageHeads
from kadeploy.config.load import Loaded
from kadeploy.config.server import Boot, ServerConfig
from kadeploy.config.server import Dnsmasq as DnsmasqSection
from kadeploy.domain.node import Site
from kadeploy.drivers.agents.arrivals import Arrivals
from kadeploy.drivers.agents.broadcast import AgentBroadcast
from kadeploy.drivers.agents.meeting import Meeting
from kadeploy.drivers.agents.remote import AgentRemote
from kadeploy.drivers.agents.seal import Seal
from kadeploy.drivers.agents.zipapp import agent_zipapp
from kadeploy.drivers.broadcast_command import CommandBroadcast
from kadeploy.drivers.console.lines import CommandLines
from kadeploy.drivers.power import DRIVERS
from kadeploy.drivers.power.driver import PowerTimings
from kadeploy.drivers.power.ladder import Ladder
from kadeploy.drivers.power.ssh import SshPower
from kadeploy.drivers.presence import SitePresence
from kadeploy.drivers.running_ssh import SshRunning
from kadeploy.drivers.ssh_access import SshAccess
from kadeploy.drivers.vlan_command import CommandVlan
from kadeploy.drivers.window import SlotWindow
from kadeploy.files.cache import FileCache
from kadeploy.minienv.arguments import KERNEL_ARGUMENTS
from kadeploy.ports.clock import Clock
from kadeploy.ports.console import Consoles
from kadeploy.ports.gauge import Gauge
from kadeploy.ports.step import Services
from kadeploy.sending import style_of
from kadeploy.store.boot_targets import SqlBootTargets
from kadeploy.store.boot_times import SqlBootTimes
from kadeploy.store.database import Database
from kadeploy.store.tokens import SqlTokens
from kadeploy.tls.opened import ServerTls


class SystemClock:
    """Implements ports.clock.Clock."""

    def now(self) -> float:
        return time.time()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What lives on the disk."""

    database: Database
    files: FileCache


class Side(Protocol):
    """What the server needs of its nodes, real or simulated."""

    @property
    def site(self) -> Site: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def consoles(self) -> Consoles: ...

    def services(self) -> Services: ...

    async def start(self, group: asyncio.TaskGroup) -> None:
        """Raises what cannot be listened to; then serves in the group until it is cancelled."""
        ...

    def leave(self) -> None:
        """The server stops: end nothing on the nodes."""
        ...

    def gauges(self) -> Iterable[Gauge]:
        """How busy its parts are."""
        ...

    def prepare(self, new: Loaded) -> Callable[[], object]:
        """Make ready for the new configuration, and answer with what turns to it. Raises BadConfiguration."""
        ...


class NodeSide:
    """Real nodes: implements Side."""

    def __init__(
        self, site: Site, config: ServerConfig, boot: Boot, store: Opened, disk_program: bytes, tls: ServerTls
    ) -> None:
        self.site = site
        self._boot = boot
        self._config = config
        self._database = store.database
        self.clock = SystemClock()
        self.consoles = CommandLines(site=site)
        self._tls = tls.agents
        vouching = tls.authority if tls.agents else None
        windows = config.windows
        self._busy = {
            "reboot": SlotWindow(windows.reboot.size, windows.reboot.sleep_time),
            "check": SlotWindow(windows.check.size),
        }
        self._heads = ImageHeads(style_of(config.broadcast, site))
        self._macs = _macs(site)
        self._dnsmasq: Dnsmasq | None = None
        tokens = SqlTokens(store.database)
        self._ssh, self._vlan = SshAccess(), CommandVlan()
        self._take_over(config)
        self.catalog = Catalog(site, SqlBootTargets(store.database), also_from=boot.also_from)
        self.meeting = Meeting(tokens, self.catalog.may_come_from)
        self.pages = BootPages(
            catalog=self.catalog,
            minimal=MinimalEnvironment(
                url=self._url,
                meet=f"{boot.address}:{boot.meet_port}",
                kernel=boot.minienv / "vmlinuz",
                initrd=boot.minienv / "initrd",
                agent=agent_zipapp(tls=vouching is not None),
                arguments=KERNEL_ARGUMENTS,
                authority=vouching.pem if vouching else "",
                ca=vouching.fingerprint if vouching else "",
            ),
            tokens=tokens,
            clock=self.clock,
            disk_program=disk_program,
            content=store.files.in_use,
        )

    @property
    def _url(self) -> str:
        return f"http://{self._boot.address}:{self._boot.port}"

    def services(self) -> Services:
        remote = AgentRemote(self.meeting)
        timings = PowerTimings()
        return Services(
            site=self.site,
            power=Ladder(
                site=self.site,
                bmcs={kind: make(timings) for kind, make in DRIVERS.items()},
                ssh=SshPower(access=self._ssh),
            ),
            reboots=self._busy["reboot"],
            boot=CatalogBoot(
                site=self.site, catalog=self.catalog, boots=self.pages.boots, agent=self._agent_file(self.pages)
            ),
            remote=remote,
            broadcast=AgentBroadcast(
                self.meeting,
                remote,
                self._heads,
                Seal.kept(self._config.state_directory / "seal"),
                host=str(self._boot.address),
                standstill=self._config.broadcast.standstill,
            ),
            presence=SitePresence(
                site=self.site,
                agents=Arrivals(self.meeting),
                checks=self._busy["check"],
                ssh=self._ssh,
            ),
            boot_times=SqlBootTimes(self._database),
            clock=self.clock,
            running=SshRunning(site=self.site, access=self._ssh),
            vlan=self._vlan,
            custom_broadcast=CommandBroadcast(site=self.site, directory=self._config.state_directory),
        )

    def _take_over(self, config: ServerConfig) -> None:
        """How systems are reached, and moved between networks."""
        vlan = config.network.vlan
        self._ssh.key, self._ssh.port = config.ssh_private_key, config.network.ports.ssh
        self._vlan.command, self._vlan.suffix = vlan.set_cmd, vlan.hostname_suffix

    def _agent_file(self, pages: BootPages) -> Path:
        """For systems that are given the agent as a file."""
        path = self._config.state_directory / "agent.pyz"
        path.write_bytes(pages.boots.minimal.agent)
        return path

    async def start(self, group: asyncio.TaskGroup) -> None:
        """Raises what cannot be listened to; then serves in the group until it is cancelled."""
        await self.catalog.load()
        address = str(self._boot.address)
        pages = http.listen(address, self._boot.port)
        await self.meeting.listen(address, self._boot.meet_port, tls=self._tls)
        group.create_task(http.serve(self.pages.application(), pages), name="boot pages")
        group.create_task(self.meeting.attend(), name="meeting point of agents")
        if self._boot.dnsmasq is not None:
            text = self._dnsmasq_of(self._boot.dnsmasq, self.site)
            self._dnsmasq = Dnsmasq(configuration=text, state=self._dnsmasq_state)
            group.create_task(self._dnsmasq.run(), name="dnsmasq")
            answers = answer_solicitations(self._boot.dnsmasq.interface, self._macs)
            group.create_task(answers, name="answers to solicitations")

    @property
    def _dnsmasq_state(self) -> Path:
        return self._config.state_directory / "dnsmasq"

    def _dnsmasq_of(self, wanted: DnsmasqSection, site: Site) -> str:
        """Its configuration. Raises BadConfiguration."""
        network = BootNetwork(
            interface=wanted.interface, network=wanted.range, boot_url=self._url, domain=wanted.domain
        )
        return configuration(network, site.nodes.values(), self._dnsmasq_state)

    def leave(self) -> None:
        self.meeting.leave()

    def prepare(self, new: Loaded) -> Callable[[], object]:
        """What only a start can change, as the interface and the ports of the boot network, stays as it is."""
        boot, network = new.server.boot or self._boot, ""
        if self._boot.dnsmasq is not None:
            network = self._dnsmasq_of(_same_interface(self._boot.dnsmasq, boot.dnsmasq), new.site)

        def turn() -> None:
            windows = new.server.windows
            self._busy["reboot"].resize(windows.reboot.size, windows.reboot.sleep_time)
            self._busy["check"].resize(windows.check.size)
            self.catalog.look_again(boot.also_from)
            self._take_over(new.server)
            self._heads.style = style_of(new.server.broadcast, new.site, self._heads.style)
            self._macs.clear()
            self._macs.update(_macs(new.site))
            if self._dnsmasq is not None:
                self._dnsmasq.become(network)

        return turn

    def gauges(self) -> Iterable[Gauge]:
        yield Gauge(name="agents_connected", says="Agents that are connected", value=self.meeting.connected)
        for name, window in self._busy.items():
            yield from of_window(name, window)


def _same_interface(begun: DnsmasqSection, wanted: DnsmasqSection | None) -> DnsmasqSection:
    """What is served there from now on; whether anything is, and on which interface, is for a start."""
    return begun if wanted is None else wanted.model_copy(update={"interface": begun.interface})


def _macs(site: Site) -> set[str]:
    return {node.mac.lower() for node in site.nodes.values() if node.mac}


def of_window(name: str, window: SlotWindow) -> Iterable[Gauge]:
    """How full it is."""
    window_of = {"window": name}
    yield Gauge(name="window_slots", says="Nodes that may be at it at once", value=window.size, labels=window_of)
    yield Gauge(name="window_slots_used", says="Nodes that are at it, or rest", value=window.used, labels=window_of)
    yield Gauge(name="window_waiting", says="Calls that wait for slots", value=window.waiting, labels=window_of)
