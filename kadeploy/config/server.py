"""server.conf: what this server listens to, keeps, and lets people do. Kadeploy3's keys, and ours beside them."""

from __future__ import annotations

import platform
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field, model_validator

from kadeploy.config.authentication import Authentication, Roles
from kadeploy.config.decode import Section
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


class Listen(Section):
    """Where the API listens."""

    address: IPv4Address | IPv6Address = IPv4Address("127.0.0.1")
    port: Port = 25300


class Dnsmasq(Section):
    """The DHCP and TFTP that Kadeploy runs itself on one network interface."""

    interface: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:-]{1,15}$")]
    range: IPv4Network
    domain: str = ""


class Boot(Section):
    """Network boot: the address and ports nodes reach this server at, and the minimal environment's directory."""

    address: IPv4Address
    port: Port = 25301
    meet_port: Port = 25302
    minienv: AbsolutePath
    dnsmasq: Dnsmasq | None = None

    @model_validator(mode="after")
    def _two_ports(self) -> Self:
        if self.port == self.meet_port:
            raise ValueError(f"port and meet_port must differ, both are {self.port}")
        return self


class Rights(Section):
    """`dummy` lets everybody do everything; `almighty_users` have the role admin."""

    KADEPLOY3: ClassVar = frozenset({"purge_deployment_timer"})

    kind: Literal["db", "dummy"] = "db"
    almighty_users: Words = ("root",)


class Files(Section):
    """Directories under which `server://` files may be."""

    roots: tuple[AbsolutePath, ...] = ()


class Database(Section):
    """An SQLAlchemy URL; by default a file in the state directory."""

    KADEPLOY3: ClassVar = frozenset({"kind", "host", "name", "login", "passwd"})

    url: Annotated[str, Field(pattern=r"^(sqlite|postgresql)(\+\w+)?://")] = ""


class Cache(Section):
    """Where fetched files are kept, `cache` in the state directory by default, and how many MB of them at most."""

    KADEPLOY3: ClassVar = frozenset({"concurrency_level"})

    directory: AbsolutePath | None = None
    size: Annotated[int, Field(ge=1)] = 20_000


class Ports(Section):
    KADEPLOY3: ClassVar = frozenset({"kadeploy_server", "test_deploy_env"})

    ssh: Port = 22


class Network(Section):
    KADEPLOY3: ClassVar = frozenset({"tcp_buffer_size"})

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


class External(Section):
    """`default_connector`: what DEFAULT_CONNECTOR stands for in commands, a way to run something on a node as root."""

    KADEPLOY3: ClassVar = frozenset({"taktuk", "bittorrent", "kastafior", "kascade", "mkfs", "tar"})

    default_connector: str = _CONNECTOR


class ServerConfig(Section):
    """server.conf as a whole."""

    KADEPLOY3: ClassVar = frozenset({"logs", "verbosity", "environments", "pxe"})

    authentication: Authentication = Authentication()
    roles: Roles = Roles()
    security: Security = Security()
    audit: Audit = Audit()
    state_directory: AbsolutePath = Path("/var/lib/kadeploy")
    listen: Listen = Listen()
    boot: Boot | None = None
    rights: Rights = Rights()
    files: Files = Files()
    database: Database = Database()
    cache: Cache = Cache()
    network: Network = Field(default_factory=Network)
    windows: Windows = Windows()
    external: External = External()
    hooks: Hooks = Hooks()
    ssh_private_key: AbsolutePath | None = None
    autoclean_threshold: Annotated[int, Field(ge=1)] = 360
    """Minutes after which an operation that has ended is no longer listed."""
    journal_retention: Annotated[int, Field(ge=1)] = 30
    """Days after which nothing is kept of an operation that has ended."""

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
        return self.cache.directory or self.state_directory / "cache"

    @property
    def database_url(self) -> str:
        return self.database.url or f"sqlite:///{self.state_directory / 'kadeploy.db'}"
