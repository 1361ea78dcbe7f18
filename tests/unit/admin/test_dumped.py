"""What a dump of Kadeploy3's database means here."""

from __future__ import annotations

from pathlib import Path

import pytest

from kadeploy.admin.dumped import Taken, taken_from
from kadeploy.domain.environment import OsKind, Part, Visibility
from kadeploy.domain.image import Compression, ImageKind
from kadeploy.domain.rights import Right
from kadeploy.domain.state import NodeState, OperationKind, Progress

DUMP = (Path(__file__).parent / "kadeploy3.sql").read_text()
CLUSTERS = {"node-1": "alpha", "node-2": "alpha"}


@pytest.fixture
def taken() -> Taken:
    found = taken_from(DUMP, CLUSTERS)
    assert found.faults == []
    return found


def test_environments(taken: Taken) -> None:
    big, xen, multi, whole = taken.incoming.environments
    assert (big.name, big.version, big.user, big.visibility) == ("jessie-x64-big", 2, "deploy", Visibility.PUBLIC)
    assert big.image.file == "server:///srv/images/jessie-x64-big.tgz"
    assert (big.image.kind, big.image.compression) == (ImageKind.TAR, Compression.GZIP)
    assert big.image.checksum == "md5:0123456789abcdef0123456789abcdef"
    assert (big.partition_type, big.filesystem, big.boot.kernel) == (0x83, "ext4", "/vmlinuz")
    assert [(one.archive, one.script) for one in big.postinstalls] == [
        ("server:///srv/post/g5k.tgz", "traitement.ash /rambin a,b"),
        ("http://files.example.org/k.tbz2", "none"),
    ]
    assert big.postinstalls[1].checksum == "etag:5d-x1"
    assert big.description["description"] == 'Debian 8; it\'s "big"\nwith NFS'
    assert (xen.name, xen.os, xen.destructive, xen.boot.hypervisor) == ("xen café", OsKind.XEN, True, "/hypervisor")
    assert xen.preinstall is not None
    assert (multi.image.kind, multi.multipart, multi.boot_disk, multi.boot_partition) == (
        ImageKind.FSA,
        True,
        "/dev/sda",
        2,
    )
    assert multi.parts == (Part(id=0, device="/dev/sda2"), Part(id=1, device="/dev/sda3"))
    assert (whole.name, whole.os, whole.image.kind, whole.destructive) == ("whole", OsKind.OTHER, ImageKind.DD, True)


def test_rights(taken: Taken) -> None:
    assert taken.incoming.rights == [
        Right(user="root"),
        Right(user="carol", node="node-1", partition="/dev/vda3"),
        Right(user="dave.b@example.org", node="far-9"),
    ]
    assert "rights: on 1 nodes that are not of this site, such as far-9" in taken.notes


def test_states_of_nodes(taken: Taken) -> None:
    record = taken.incoming.nodes["node-1"]
    assert (record.state, record.user, record.at) == (NodeState.DEPLOYED, "carol", 1460000000)
    assert record.environment == {"name": "jessie-x64-big", "version": 2, "user": "deploy"}
    assert taken.incoming.nodes.keys() == {"node-1"}
    assert "nodes: node-2 was busy there: nothing is known of it here" in taken.notes


def test_statistics(taken: Taken) -> None:
    good, bad, reboot = taken.incoming.past
    assert (good.trip.kind, good.trip.cluster, good.trip.strength) == (OperationKind.DEPLOYMENT, "alpha", 2)
    assert (good.trip.environment, good.trip.version, good.trip.started) == ("jessie-x64-big", 2, 1460000000)
    assert [good.trip.called(macro) for macro in good.trip.macros] == [
        "SetDeploymentEnvUntrusted",
        "BroadcastEnvKascade",
        "BootNewEnvKexec",
    ]
    first = good.trip.macros[0]
    assert (first.seconds, first.limit, first.retries) == (101, 200, 1)
    assert (good.progress, good.ended) == (Progress.OK, 1460000000 + 101 + 62 + 55)
    assert (bad.progress, bad.reason) == (Progress.KO, "Timeout: 'node-2' not reachable (step);")
    assert (reboot.trip.kind, reboot.trip.called(reboot.trip.macros[0])) == (OperationKind.REBOOT, "Simple")


def test_every_fault_of_every_row_is_told(taken: Taken) -> None:
    columns = "`id`,`name`,`version`,`tarball`,`user`,`environment_kind`,`visibility`"
    text = f"""INSERT INTO environments ({columns}) VALUES (1,'a',1,'/x','u','linux','private'),
        (2,'b',1,'/x|dd|','u','plan9','public'),(3,'c','x','s|tgz','u','linux','private');
    INSERT INTO rights (user,node,part) VALUES ('a b','','*');
    INSERT INTO nodes (hostname,state) VALUES ('node-1','lost');
    INSERT INTO log (wid,hostname) VALUES ('X-1','n'),('X-2','n'),('X-3','n');"""
    found = taken_from(text, CLUSTERS)
    assert found.faults == [
        "line 1: environments: a 1 u: tarball: must be path|kind|md5, not '/x'",
        "line 1: environments: b 1 u: os: must be linux, xen or other, not 'plan9'",
        "line 1: environments: b 1 u: image.compression: is required for a dd image",
        "line 1: environments: c x u: version: must be a number, not 'x'",
        "line 3: rights: a b: node: is empty",
        "line 3: rights: a b: user: 'a b' is not a user's name",
        "line 4: nodes: node-1: state: 'lost' is not a state of a node",
        "line 5: log: wid: must begin with D-, R- or P- (and 2 rows more)",
    ]
