"""server.conf: what this server listens to, keeps, and lets people do. Kadeploy3's keys, and ours beside them."""

from __future__ import annotations

import platform
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from kadeploy.config.decode import Section

T = TypeVar("T")
Port = Annotated[int, Field(ge=1, le=65535)]


def _absolute(value: Path) -> Path:
    if not value.is_absolute():
        raise ValueError(f"must be an absolute path, not '{value}'")
    return value


def not_empty(value: tuple[T, ...]) -> tuple[T, ...]:
    """Not pydantic's min_length, which also counts what is wrong for another reason as missing."""
    if not value:
        raise ValueError("must not be empty")
    return value


def _as_list(value: object) -> object:
    """Kadeploy3 writes lists as `a, b` in some places."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
Words = Annotated[tuple[str, ...], BeforeValidator(_as_list)]


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


class GlobalAuthentication(Section):
    headers_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]*$")] = "X-Kadeploy-"


class Acl(Section):
    """Hosts whose User header is believed: addresses, networks, names, or /patterns/ of names."""

    whitelist: Annotated[Words, AfterValidator(not_empty)]


class HttpBasic(Section):
    """Passwords from an htpasswd file; an empty whitelist means any host."""

    dbfile: AbsolutePath
    realm: Annotated[str, Field(pattern=r"^[ !#-\[\]-~]*$")] = "Kadeploy"
    whitelist: Words = ()


class Authentication(Section):
    KADEPLOY3: ClassVar = frozenset({"certificate", "ident"})

    global_: Annotated[GlobalAuthentication, Field(alias="global")] = GlobalAuthentication()
    acl: Acl | None = None
    http_basic: HttpBasic | None = None

    @model_validator(mode="after")
    def _one_at_least(self) -> Self:
        if self.acl is None and self.http_basic is None:
            raise ValueError("must have acl or http_basic, or nobody could use this server")
        return self


class Rights(Section):
    """`dummy` lets everybody do everything; `almighty_users` administer the API."""

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
    KADEPLOY3: ClassVar = frozenset({"tcp_buffer_size", "vlan"})

    server_hostname: str = Field(default_factory=platform.node)
    ports: Ports = Ports()


class ServerConfig(Section):
    """server.conf as a whole."""

    KADEPLOY3: ClassVar = frozenset(
        {"security", "logs", "verbosity", "windows", "environments", "pxe", "hooks", "external"}
    )

    authentication: Authentication
    state_directory: AbsolutePath = Path("/var/lib/kadeploy")
    listen: Listen = Listen()
    boot: Boot | None = None
    rights: Rights = Rights()
    files: Files = Files()
    database: Database = Database()
    cache: Cache = Cache()
    network: Network = Field(default_factory=Network)
    ssh_private_key: AbsolutePath | None = None
    autoclean_threshold: Annotated[int, Field(ge=1)] = 360
    """Minutes after which an operation that has ended is no longer listed."""

    @property
    def cache_directory(self) -> Path:
        return self.cache.directory or self.state_directory / "cache"

    @property
    def database_url(self) -> str:
        return self.database.url or f"sqlite:///{self.state_directory / 'kadeploy.db'}"
