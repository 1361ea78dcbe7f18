"""A node and its cluster, as the configuration describes them: passive data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kadeploy.domain.automaton import BUILT_IN, Automaton
from kadeploy.domain.custom import Insertion
from kadeploy.domain.disk import Layout
from kadeploy.domain.environment import Archive
from kadeploy.domain.environment_name import Architecture
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.patience import Patience
from kadeploy.domain.power import AdminCommand, PowerCommands
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
    """How to reach a node's management controller. `url` and `system` are Redfish's, `port` IPMI's.

    `cipher_suite`: IPMI 2.0, table 22-20; None: the best that the BMC says it has.
    """

    driver: BmcKind
    address: str = ""
    port: int = 623
    url: str = ""
    system: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    verify_tls: bool = True
    cipher_suite: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One machine. `rack`: the rack or switch it shares with others, if known; `block_device` is the disk that is
    installed, a path in /dev; `console` the admin's own command for its serial line."""

    name: str
    cluster: str
    address: str
    mac: str = ""
    firmware: Firmware = Firmware.BIOS
    rack: str = ""
    block_device: str
    bmc: Bmc | None = None
    commands: PowerCommands = PowerCommands()
    console: AdminCommand | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Nfsroot:
    """A kernel whose root is on NFS: its path on this server, its initrd's if it needs one, and its arguments."""

    kernel: str
    initrd: str = ""
    params: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Machines that are installed in the same way.

    `operations` are the admin's custom ones; `drivers` are kernel modules for the minimal environment; `preinstalls`
    and `postinstalls` the admin's archives for every environment; `broadcast_command` the admin's own way to send an
    image, with placeholders; `tree_readers` how many have it from each one in a tree, 0 for as many as everywhere;
    `kexec_folder` where a running system is given our kernel.
    """

    name: str
    layout: Layout
    architecture: Architecture | None = None
    deploy_params: str = ""
    user_params: str = ""
    reboot_timeout: Timeout = Timeout("300")
    kexec_timeout: Timeout = Timeout("120")
    patience: Patience = Patience()
    supported_fs: tuple[str, ...] = ("ext2", "ext3", "ext4", "xfs", "btrfs", "vfat")
    automaton: Automaton = field(default_factory=lambda: BUILT_IN)
    operations: tuple[Insertion, ...] = ()
    drivers: tuple[str, ...] = ()
    nfsroot: Nfsroot | None = None
    preinstalls: tuple[Archive, ...] = ()
    postinstalls: tuple[Archive, ...] = ()
    broadcast_command: tuple[str, ...] = ()
    broadcast_decompresses: bool = True
    tree_readers: int = 0
    kexec_folder: str = "/dev/shm/kexec_repository"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Every node and cluster that this server knows; `groups` are further sets of nodes with a name, as ranges."""

    nodes: Mapping[str, Node]
    clusters: Mapping[str, Cluster]
    groups: Mapping[str, str] = field(default_factory=dict)

    def cluster_of(self, name: str) -> Cluster:
        return self.clusters[self.nodes[name].cluster]

    def by_cluster(self, nodes: NodeSet) -> dict[str, NodeSet]:
        """The nodes grouped by cluster, in the order of the clusters' names."""
        groups: dict[str, set[str]] = {}
        for name in nodes.names:  # unsorted: a launch asks for this half a dozen times, of ten thousand nodes
            groups.setdefault(self.nodes[name].cluster, set()).add(name)
        return {cluster: NodeSet(groups[cluster]) for cluster in sorted(groups)}

    def switched_together(self, nodes: NodeSet) -> Iterator[NodeSet]:
        """The nodes one by one; those of a group that shares a supply, when it is whole among them, as one set."""
        left = set(nodes.names)
        for name in nodes:
            if name in left:
                group = NodeSet([name]).names.union(
                    *(group.names for group in self.nodes[name].commands.groups_of(name))
                )
                unit = NodeSet(group if group <= left else [name])
                left -= unit.names
                yield unit
