"""server.conf: what this server listens to, keeps, and lets people do. Kadeploy3's keys, and ours beside them."""

from __future__ import annotations

import logging
import platform
import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from kadeploy.config.authentication import Authentication, Roles
from kadeploy.config.broadcast import BroadcastSection
from kadeploy.config.decode import Section
from kadeploy.config.files import Cache, Files
from kadeploy.config.hooks import Hooks
from kadeploy.config.security import Audit, Security
from kadeploy.config.values import AbsolutePath, Port, Words
from kadeploy.config.vlan import VlanSection

_CONNECTOR: Final = " ".join(
    (
        "ssh -l root -q -o BatchMode=yes -o ConnectTimeout=8",
        "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null",  # a node is reinstalled all the time
    )
)
_DOMAIN: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


GroupName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.@+-]{0,63}$")]


def _domain(text: str) -> str:
    """dnsmasq takes other texts for more than a name, and ends."""
    if text and not _DOMAIN.fullmatch(text):
        raise ValueError(f"must be a domain's name, as cluster.example.org, not {text!r}")
    return text


class Listen(Section):
    """Where the API listens."""

    address: IPv4Address | IPv6Address = IPv4Address("127.0.0.1")
    port: Port = 25300


class Dnsmasq(Section):
    """The DHCP and TFTP that Kadeploy runs itself on one network interface."""

    interface: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,15}$")]
    range: IPv4Network
    domain: Annotated[str, AfterValidator(_domain)] = ""


class Boot(Section):
    """Network boot: the address and ports nodes reach this server at, and the minimal environment's directory."""

    address: IPv4Address
    port: Port = 25301
    meet_port: Port = 25302
    minienv: AbsolutePath
    also_from: tuple[IPv4Network, ...] = ()
    """Networks that nodes come from beside their own addresses, as through a router that translates these. Who is in
    one of them is believed to be a node by its MAC, and by the token of a boot, alone."""
    dnsmasq: Dnsmasq | None = None

    @model_validator(mode="after")
    def _two_ports(self) -> Self:
        if self.port == self.meet_port:
            raise ValueError(f"port and meet_port must differ, both are {self.port}")
        return self


class Rights(Section):
    """`dummy` lets everybody do everything; `almighty_users` have the role admin."""

    KADEPLOY3: ClassVar = {"purge_deployment_timer": "nodes are free when their operation has ended, never by a timer"}

    kind: Literal["db", "dummy"] = "db"
    almighty_users: Words = ("root",)
    groups: dict[GroupName, Words] = Field(default_factory=dict)
    """Groups or projects, which may be given rights, and the users in each; beside the groups that tokens name."""
    system_groups: bool = False
    """Whether the groups of this machine's system count, too; its users must then be those of the API."""


class Console(Section):
    """Serial consoles of nodes."""

    scrollback: Annotated[int, Field(ge=0, le=16 * 1024**2)] = 64 * 1024
    """Bytes of what a node has said that are kept for who comes later, while somebody is at its console."""
    log_directory: AbsolutePath | None = None
    """Where what consoles say is kept, a file a node; nowhere if not given."""
    unattended: Annotated[float, Field(gt=0)] = 60.0
    """Seconds that a console is kept with nobody at it."""
    tcp: bool = True
    """Whether Kadeploy3's own tool is let in: it knows no other way than a TCP port without encryption."""
    connect_within: Annotated[float, Field(gt=0)] = 30.0
    """Seconds it has to connect to that port, which is open for one connection from its address."""


class Database(Section):
    """An SQLAlchemy URL; by default a file in the state directory."""

    _INSTEAD: ClassVar = "the database is the one of database.url; kadmin import brings what MySQL holds"
    KADEPLOY3: ClassVar = dict.fromkeys(("kind", "host", "name", "login", "passwd"), _INSTEAD)

    url: Annotated[str, Field(pattern=r"^(sqlite|postgresql)(\+\w+)?://")] = ""


class Ports(Section):
    KADEPLOY3: ClassVar = {
        "kadeploy_server": "listen.port says where the API listens",
        "test_deploy_env": "agents call the server, no port of theirs is probed",
    }

    ssh: Port = 22
    """Where the SSH server of installed systems is."""


class Network(Section):
    KADEPLOY3: ClassVar = {"tcp_buffer_size": "nor had it there"}

    server_hostname: str = Field(default_factory=platform.node)
    ports: Ports = Ports()
    vlan: VlanSection = VlanSection()


class RebootWindow(Section):
    """How many nodes are restarted or switched at once, and how many seconds a place in the window rests then."""

    size: Annotated[int, Field(ge=1)] = 50
    sleep_time: Annotated[float, Field(ge=0)] = 10.0


class CheckWindow(Section):
    """How many nodes are asked at once whether their system answers. Kadeploy3 has 50: a process each there."""

    size: Annotated[int, Field(ge=1)] = 500


class Windows(Section):
    """Bounds over all operations together; operations that wait are let in by turns."""

    reboot: RebootWindow = RebootWindow()
    check: CheckWindow = CheckWindow()


class MetricsSection(Section):
    """`access`: who may read the metrics: everybody who can be known, anybody, or those who oversee or administer."""

    access: Literal["read", "open", "oversee", "administer"] = "read"


class Verbosity(Section):
    """How much is logged, as Kadeploy3 counts: 0 errors, 1 and 2 warnings too, 3 and 4 what is done, 5 everything."""

    KADEPLOY3: ClassVar = {"clients": "the tools decide what they show, with -V"}

    logs: Annotated[int, Field(ge=0, le=5)] = 3

    @property
    def level(self) -> int:
        """As `logging` counts."""
        return (logging.ERROR, logging.WARNING, logging.WARNING, logging.INFO, logging.INFO, logging.DEBUG)[self.logs]


class External(Section):
    """`default_connector`: what DEFAULT_CONNECTOR stands for in commands, a way to run something on a node as root."""

    _SENT: ClassVar = "images are sent by Kadeploy's own chain, see broadcast"
    KADEPLOY3: ClassVar = {
        "taktuk": "commands reach nodes through their agents",
        **dict.fromkeys(("bittorrent", "kastafior", "kascade"), _SENT),
        "mkfs": "file systems are made with the options that their programs choose",
        "tar": "images are unpacked with owners, modes and extended attributes in any case",
    }

    default_connector: str = _CONNECTOR


class Environments(Section):
    """Bounds of what users describe, in megabytes; 0 for none."""

    KADEPLOY3: ClassVar = {"deployment": "the agent chooses its directories; scripts find them in KADEPLOY_ variables"}

    max_preinstall_size: Annotated[int, Field(ge=0)] = 20
    max_postinstall_size: Annotated[int, Field(ge=0)] = 20


class ServerConfig(Section):
    """server.conf as a whole."""

    KADEPLOY3: ClassVar = {
        "logs": "the log goes to standard error, and what became of nodes to the database, see kastat",
        "pxe": "nodes boot by iPXE from this server, see boot",
    }

    authentication: Authentication = Authentication()
    roles: Roles = Roles()
    security: Security = Security()
    audit: Audit = Audit()
    state_directory: AbsolutePath = Path("/var/lib/kadeploy")
    listen: Listen = Listen()
    boot: Boot | None = None
    rights: Rights = Rights()
    console: Console = Console()
    files: Files = Files()
    database: Database = Database()
    cache: Cache = Cache()
    network: Network = Field(default_factory=Network)
    windows: Windows = Windows()
    broadcast: BroadcastSection = BroadcastSection()
    external: External = External()
    environments: Environments = Environments()
    hooks: Hooks = Hooks()
    metrics: MetricsSection = MetricsSection()
    verbosity: Verbosity = Verbosity()
    ssh_private_key: AbsolutePath | None = None
    autoclean_threshold: Annotated[int, Field(ge=1)] = 360
    """Minutes after which an operation that has ended is no longer listed."""
    journal_retention: Annotated[int, Field(ge=1)] = 30
    """Days after which nothing is kept of an operation that has ended, but for its row of statistics a node."""
    statistics_retention: Annotated[int, Field(ge=1)] = 730
    """Days after which these rows go, and how long nodes took to boot."""

    @property
    def listen_address(self) -> IPv4Address | IPv6Address:
        """Where the API really listens."""
        return IPv4Address("127.0.0.1") if self.security.local_only else self.listen.address

    @property
    def administrators(self) -> frozenset[str]:
        """Users who have the role admin by their name."""
        return frozenset(self.rights.almighty_users) | frozenset(self.roles.admin.users)

    @property
    def cache_directory(self) -> Path:
        return self.cache.place(self.state_directory)

    @property
    def database_url(self) -> str:
        return self.database.url or f"sqlite:///{self.state_directory / 'kadeploy.db'}"
