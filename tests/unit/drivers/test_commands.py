"""The administrators' commands: VLANs, and an image sent their own way."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from kadeploy.domain.image import Compression, ImageKind, LocalFile
from kadeploy.domain.node import Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.drivers.broadcast_command import CommandBroadcast
from kadeploy.drivers.vlan_command import CommandVlan
from kadeploy.errors import InvalidVlan
from kadeploy.ports.broadcast import Shipment
from kadeploy.ports.remote import Terms
from kadeploy.testing.sites import site_of

NODES = NodeSet(["node-1", "node-2"])


def told(path: Path, *words: str) -> tuple[str, ...]:
    """A command that writes its arguments to a file, one a line."""
    program = "import sys; open(sys.argv[1], 'w').write(chr(10).join(sys.argv[2:]))"
    return (sys.executable, "-c", program, str(path), *words)


def test_one_command_moves_all_nodes(tmp_path: Path) -> None:
    vlan = CommandVlan(command=told(tmp_path / "said", "NODES", "-i", "VLAN_ID", "--user=USER"))
    result = asyncio.run(vlan.set(NODES, "3; reboot", user="alice", deadline=10))
    assert result == Result(ok=NODES)
    assert (tmp_path / "said").read_text().splitlines() == [
        *("-m", "node-1", "-m", "node-2", "-i", "3; reboot", "--user=alice")
    ]


def test_its_failure_is_everybodys() -> None:
    result = asyncio.run(CommandVlan(command=("false",)).set(NODES, "3", user="alice", deadline=10))
    assert result.ko == dict.fromkeys(NODES, "false exited with 1")


def test_a_node_has_a_name_of_its_own_in_a_vlan() -> None:
    vlan = CommandVlan(command=("true",), suffix="-kavlan-VLAN_ID")
    assert vlan.name_of("node-1.site.org", "3") == "node-1-kavlan-3.site.org"
    assert asyncio.run(CommandVlan(command=("true",)).addresses(NODES, "3")) == {}
    with pytest.raises(InvalidVlan, match=r"node-1-kavlan-3\.invalid.* cannot be resolved"):
        asyncio.run(vlan.addresses(NodeSet(["node-1.invalid"]), "3"))


def send(site: Site, directory: Path, compression: Compression = Compression.ZSTD) -> Result:
    broadcast = CommandBroadcast(site=site, directory=directory)
    return asyncio.run(
        broadcast.send(
            NODES,
            Shipment(
                image=LocalFile(path="/srv/my image", size=5, sha256="0" * 64),
                kind=ImageKind.TAR,
                compression=compression,
                destination=lambda _: "/mnt/dest",
            ),
            Terms(key="k", deadline=10),
        )
    )


def with_command(*command: str, decompresses: bool = True) -> Site:
    site = site_of(2)
    cluster = site.clusters["sim"]
    changed = type(cluster)(
        name="sim", layout=cluster.layout, broadcast_command=command, broadcast_decompresses=decompresses
    )
    return Site(nodes=site.nodes, clusters={"sim": changed})


def test_an_image_is_sent_by_one_command(tmp_path: Path) -> None:
    script = "import sys; open(sys.argv[1], 'w').write(open(sys.argv[2]).read() + chr(10).join(sys.argv[3:]))"
    command = (sys.executable, "-c", script, str(tmp_path / "said"), "NODEFILE", "ENVFILE", "DESTINATION", "DECOMPRESS")
    assert send(with_command(*command), tmp_path) == Result(ok=NODES)
    said = (tmp_path / "said").read_text().splitlines()
    assert said == ["10.1.0.1", "10.1.0.2", "/srv/my image", "/mnt/dest", "zstd -dcq --long=31"]
    assert [path.name for path in tmp_path.iterdir()] == ["said"], "the file with the nodes is gone"


def test_a_command_that_fails_fails_for_all(tmp_path: Path) -> None:
    assert send(with_command("false"), tmp_path).ko == dict.fromkeys(NODES, "false exited with 1")
