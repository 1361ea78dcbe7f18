"""A node and its cluster, as the configuration describes them: passive data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kadeploy.domain.disk import Layout
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.patience import Patience
from kadeploy.domain.timeout import Timeout


class Firmware(StrEnum):
    """What starts the node, and so what a bootloader must be installed for."""

    BIOS = "bios"
    UEFI = "uefi"


class BmcKind(StrEnum):
    IPMI = "ipmi"
    REDFISH = "redfish"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bmc:
    """How to reach a node's management controller. `url` and `system` are Redfish's, `port` IPMI's."""

    driver: BmcKind
    address: str = ""
    port: int = 623
    url: str = ""
    system: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    verify_tls: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One machine. `block_device` is the disk that is installed, a path in /dev."""

    name: str
    cluster: str
    address: str
    mac: str = ""
    firmware: Firmware = Firmware.BIOS
    block_device: str
    bmc: Bmc | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Machines that are installed in the same way."""

    name: str
    layout: Layout
    deploy_params: str = ""
    user_params: str = ""
    reboot_timeout: Timeout = Timeout("300")
    kexec_timeout: Timeout = Timeout("120")
    patience: Patience = Patience()
    supported_fs: tuple[str, ...] = ("ext2", "ext3", "ext4", "xfs", "btrfs", "vfat")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Every node and cluster that this server knows."""

    nodes: Mapping[str, Node]
    clusters: Mapping[str, Cluster]

    def cluster_of(self, name: str) -> Cluster:
        return self.clusters[self.nodes[name].cluster]

    def by_cluster(self, nodes: NodeSet) -> dict[str, NodeSet]:
        """The nodes grouped by cluster, in the order of the clusters' names."""
        groups: dict[str, set[str]] = {}
        for name in nodes:
            groups.setdefault(self.nodes[name].cluster, set()).add(name)
        return {cluster: NodeSet(groups[cluster]) for cluster in sorted(groups)}
