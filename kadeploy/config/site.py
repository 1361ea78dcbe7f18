"""From the decoded files to the `Site`, with the faults that only show when all of them are seen together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kadeploy.config.automata import timeout_faults
from kadeploy.config.cluster import ClusterFile, NfsrootKernel
from kadeploy.config.clusters import BmcEntry, ClusterEntry, ClustersFile, NodeEntry, is_address
from kadeploy.config.layout import build_layout
from kadeploy.domain.node import Bmc, Cluster, Nfsroot, Node, Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.patience import Patience
from kadeploy.errors import Faults, InvalidNodes


def build_cluster(name: str, file: ClusterFile) -> Cluster:
    """Raises Faults with paths inside the cluster's file."""
    try:
        layout = build_layout(file.partitioning)
    except Faults as error:
        raise Faults([f"partitioning.{fault}" for fault in error.faults]) from error
    kernels, automaton = file.boot.kernels, file.automata.automaton()
    places = "automata.macrosteps."
    if faults := [*timeout_faults(automaton, reboot=file.timeouts.reboot, kexec=file.timeouts.kexec, place=places)]:
        raise Faults(faults)
    return Cluster(
        name=name,
        layout=layout,
        architecture=file.arch,
        deploy_params=kernels.deploy.params,
        user_params=kernels.user.params,
        reboot_timeout=file.timeouts.reboot,
        kexec_timeout=file.timeouts.kexec,
        patience=Patience(**file.patience.model_dump()),
        supported_fs=kernels.deploy.supported_fs,
        automaton=automaton,
        operations=file.automata.insertions(),
        drivers=kernels.deploy.drivers,
        nfsroot=_nfsroot(kernels.nfsroot),
        preinstalls=file.preinstall.archives(),
        postinstalls=file.postinstall.archives(),
        broadcast_command=file.localops.broadcastenv.cmd,
        broadcast_decompresses=file.localops.broadcastenv.decompress,
        tree_readers=file.localops.broadcastenv.tree_readers or 0,
        kexec_folder=str(file.kexec.repository),
    )


def _nfsroot(kernel: NfsrootKernel) -> Nfsroot | None:
    if kernel.vmlinuz is None:
        return None
    initrd = str(kernel.initrd) if kernel.initrd else ""
    return Nfsroot(kernel=str(kernel.vmlinuz), initrd=initrd, params=kernel.params)


def build_site(listed: ClustersFile, clusters: Mapping[str, Cluster], devices: Mapping[str, str]) -> Site:
    """`devices` is each cluster's default block device; raises Faults with paths inside clusters.conf."""
    faults = [*_cluster_faults(listed), *_node_faults(listed), *_group_faults(listed)]
    if faults:
        raise Faults(faults)
    nodes = {
        name: _node(name, address, cluster, entry, devices[cluster.name])
        for cluster in listed.clusters
        for entry in cluster.nodes
        for name, address in entry.pairs()
    }
    return Site(nodes=nodes, clusters=dict(clusters), groups=listed.groups)


def _node(name: str, address: str, cluster: ClusterEntry, entry: NodeEntry, device: str) -> Node:
    return Node(
        name=name,
        cluster=cluster.name,
        address=address,
        mac=entry.mac,
        firmware=entry.firmware,
        rack=entry.rack,
        block_device=entry.block_device or device,
        bmc=_bmc(entry.bmc) if entry.bmc else None,
    )


def _bmc(entry: BmcEntry) -> Bmc:
    return Bmc(
        driver=entry.driver,
        address=entry.address,
        port=entry.port,
        url=entry.url,
        system=entry.system,
        user=entry.user,
        password=entry.password,
        verify_tls=entry.verify_tls,
        cipher_suite=entry.cipher_suite,
    )


@dataclass(slots=True)
class _Unique:
    """Says where a value was seen first when it comes again."""

    what: str
    seen: dict[str, str]

    def fault(self, value: str, place: str) -> str | None:
        first = self.seen.setdefault(value, place)
        return f"{place}: {self.what} {value} is already that of {first}" if value and first != place else None


def _cluster_faults(listed: ClustersFile) -> Iterator[str]:
    names = _Unique("the name", {})
    for index, cluster in enumerate(listed.clusters):
        if fault := names.fault(cluster.name, f"clusters[{index}].name"):
            yield fault


def _node_faults(listed: ClustersFile) -> Iterator[str]:
    names, addresses, macs = _Unique("the node", {}), _Unique("the address", {}), _Unique("the MAC", {})
    for place, entry in _entries(listed):
        if entry.mac and (fault := macs.fault(entry.mac, f"{place}.mac")):
            yield fault
        for name, address in entry.pairs():
            yield from _pair_faults(name, address, place)
            if fault := names.fault(name, f"{place}.name"):
                yield fault
            if fault := addresses.fault(address, f"{place}.address"):
                yield fault


def _group_faults(listed: ClustersFile) -> Iterator[str]:
    known = {name for _, entry in _entries(listed) for name, _ in entry.pairs()}
    for group, text in listed.groups.items():
        if group in {cluster.name for cluster in listed.clusters}:
            yield f"groups.{group}: is the name of a cluster, which is a group of its own"
        try:
            strange = NodeSet.parse(text) - NodeSet(known)
        except InvalidNodes as error:
            yield f"groups.{group}: {error}"
            continue
        if strange:
            yield f"groups.{group}: there is no node {strange}"


def _entries(listed: ClustersFile) -> Iterator[tuple[str, NodeEntry]]:
    for outer, cluster in enumerate(listed.clusters):
        for inner, entry in enumerate(cluster.nodes):
            yield f"clusters[{outer}].nodes[{inner}]", entry


def _pair_faults(name: str, address: str, place: str) -> Iterator[str]:
    try:
        NodeSet.parse(name)
    except InvalidNodes as error:
        yield f"{place}.name: {error.message}"
    if not is_address(address):
        yield f"{place}.address: must be an IP address, not {address!r}"
