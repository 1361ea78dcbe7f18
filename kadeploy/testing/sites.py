"""Sites and requests made up for tests."""

from __future__ import annotations

from kadeploy.domain.disk import MIB, Layout, Partition, Role
from kadeploy.domain.environment import Environment, KernelSpec, OsKind
from kadeploy.domain.image import Compression, Image, ImageKind, LocalFile
from kadeploy.domain.node import Cluster, Node, Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.request import DeployRequest

LAYOUT = Layout(
    partitions=(
        Partition(number=1, role=Role.BOOT, size=64 * MIB),
        Partition(number=2, role=Role.SWAP, size=256 * MIB),
        Partition(number=3, role=Role.DEPLOY, size=3072 * MIB),
        Partition(number=4, role=Role.TMP, filesystem="ext4"),
    )
)


def site_of(count: int, *, cluster: str = "sim", domain: str = "", clusters: int = 1) -> Site:
    """`node-1`, `node-2`…, in a domain or none, of one cluster, or in equal parts of `sim`, `sim2`…"""
    called = [cluster, *(f"{cluster}{number}" for number in range(2, clusters + 1))]
    after = f".{domain}" if domain else ""
    names = [f"node-{index}{after}" for index in range(1, count + 1)]
    nodes = {
        name: Node(
            name=name,
            cluster=called[index * clusters // count],
            address=f"10.1.{index // 250}.{index % 250 + 1}",
            block_device="/dev/vda",
        )
        for index, name in enumerate(names)
    }
    return Site(nodes=nodes, clusters={name: Cluster(name=name, layout=LAYOUT) for name in called})


def environment_of(**changes: object) -> Environment:
    """A small Debian; `changes` replace its fields."""
    fields: dict[str, object] = {
        "name": "debian12",
        "user": "alice",
        "os": OsKind.LINUX,
        "image": Image(file="server:///srv/debian12.tar.zst", kind=ImageKind.TAR, compression=Compression.ZSTD),
        "boot": KernelSpec(kernel="/vmlinuz", initrd="/initrd.img", kernel_params="console=ttyS0"),
        "filesystem": "ext4",
    }
    return Environment(**{**fields, **changes})  # type: ignore[arg-type]


def request_for(nodes: NodeSet, **changes: object) -> DeployRequest:
    fields: dict[str, object] = {
        "nodes": nodes,
        "environment": environment_of(),
        "image": LocalFile(path="/srv/debian12.tar.zst", size=200 * MIB, sha256="0" * 64),
        "authorized_keys": "ssh-ed25519 AAAA alice",
    }
    return DeployRequest(**{**fields, **changes})  # type: ignore[arg-type]
