"""clusters.conf: which nodes there are, how they are reached, and which file describes their cluster."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, ClassVar, Final, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from kadeploy.config.decode import Section
from kadeploy.config.ranges import expand
from kadeploy.config.values import Port, not_empty
from kadeploy.domain.node import BmcKind, Firmware

_MAC: Final = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}\Z")
_DEVICE: Final = re.compile(r"/dev/[A-Za-z0-9._:+-]+(/[A-Za-z0-9._:+-]+)*\Z")


def _mac(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = value.strip().lower().replace("-", ":")
    if not _MAC.match(text):
        raise ValueError(f"must be a MAC address such as 52:54:00:12:34:56, not {value!r}")
    return text


def _device(value: str) -> str:
    if not _DEVICE.match(value) or ".." in value:
        raise ValueError(f"must be a device such as /dev/sda, not {value!r}")
    return value


GroupOfNodes = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Mac = Annotated[str, BeforeValidator(_mac)]
Device = Annotated[str, AfterValidator(_device)]


class BmcEntry(Section):
    """A management controller: IPMI has an address, a port and perhaps a cipher suite, Redfish a url and a system."""

    driver: BmcKind
    address: str = ""
    port: Port = 623
    url: str = ""
    system: str = ""
    user: str = ""
    password: str = Field(default="", repr=False)
    verify_tls: bool = True
    cipher_suite: Annotated[int, Field(ge=0, le=17)] | None = None

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.driver is BmcKind.IPMI and not self.address:
            raise ValueError("address is required for ipmi")
        if self.driver is BmcKind.REDFISH and not re.match(r"https?://.", self.url):
            raise ValueError("url is required for redfish, and begins with http:// or https://")
        return self


class NodeEntry(Section):
    """One node, or a range of them whose addresses are a range as long. `rack`: or switch; an image goes from each to
    the next once."""

    name: Annotated[str, Field(min_length=1)]
    address: Annotated[str, Field(min_length=1)]
    mac: Mac = ""
    firmware: Firmware = Firmware.BIOS
    rack: str = ""
    block_device: Device | None = None
    bmc: BmcEntry | None = None

    @model_validator(mode="after")
    def _as_many_addresses(self) -> Self:
        names, addresses = expand(self.name), expand(self.address)
        if len(names) != len(addresses):
            raise ValueError(f"{self.name} names {len(names)} and {self.address} has {len(addresses)} addresses")
        if len(names) > 1 and (self.mac or self.bmc):
            raise ValueError("mac and bmc belong to one node, and this is a range: write the nodes one by one")
        return self

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Every name with its address."""
        return tuple(zip(expand(self.name), expand(self.address), strict=True))


class ClusterEntry(Section):
    KADEPLOY3: ClassVar = {"prefix": "sets of nodes are shown under their cluster's whole name"}

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    conf_file: Annotated[str, Field(min_length=1)]
    nodes: Annotated[tuple[NodeEntry, ...], AfterValidator(not_empty)]


class ClustersFile(Section):
    """`groups`: sets of nodes that users may name with @ before the name, as every cluster."""

    clusters: Annotated[tuple[ClusterEntry, ...], AfterValidator(not_empty)]
    groups: dict[GroupOfNodes, str] = Field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """Of all nodes."""
        return frozenset(name for cluster in self.clusters for entry in cluster.nodes for name, _ in entry.pairs())


def is_address(text: str) -> bool:
    """Whether it is an IP address."""
    for kind in (IPv4Address, IPv6Address):
        try:
            kind(text)
        except ValueError:
            continue
        return True
    return False
