"""A server's configuration directory: what a valid one becomes, and every fault told at once with its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from kadeploy.config.load import load_site
from kadeploy.domain.disk import MIB, Role
from kadeploy.domain.node import BmcKind, Firmware
from kadeploy.errors import BadConfiguration
from tests.unit.config import files


def faults_of(directory: Path) -> list[str]:
    with pytest.raises(BadConfiguration) as caught:
        load_site(directory)
    first, *rest = str(caught.value).splitlines()
    assert str(directory) in first
    return [line.strip() for line in rest]


def test_a_valid_directory_becomes_a_site(tmp_path: Path) -> None:
    loaded = load_site(files.write(tmp_path))
    assert loaded.warnings == ()
    assert loaded.server.rights.almighty_users == ("root", "admin")
    assert loaded.server.database_url == f"sqlite:///{tmp_path}/state/kadeploy.db"
    assert loaded.server.cache_directory == tmp_path / "state" / "cache"
    node = loaded.site.nodes["node-2"]
    assert (node.address, node.mac, node.firmware, node.block_device) == (
        "10.0.0.12",
        "52:54:00:12:34:02",
        Firmware.BIOS,
        "/dev/vda",
    )
    assert node.bmc is not None
    assert (node.bmc.driver, node.bmc.port) == (BmcKind.IPMI, 6232)
    cluster = loaded.site.clusters["lab"]
    assert [(part.number, part.role, part.size) for part in cluster.layout.partitions] == [
        (1, Role.BOOT, 64 * MIB),
        (2, Role.SWAP, 256 * MIB),
        (3, Role.DEPLOY, 3072 * MIB),
        (4, Role.TMP, 0),
    ]
    assert cluster.reboot_timeout.formula == "120 + 10*log(n)"
    assert (cluster.deploy_params, cluster.user_params) == ("console=ttyS0", "quiet")


def test_racks_and_links_make_chains(tmp_path: Path) -> None:
    server, clusters = files.server(tmp_path), files.clusters()
    server["broadcast"] = {"server_link": 10_000, "node_link": 2_500}
    clusters["clusters"][0]["nodes"][1]["rack"] = "A"
    loaded = load_site(files.write(tmp_path, server=server, clusters=clusters))
    assert loaded.server.broadcast.chains == 4
    assert [loaded.site.nodes[name].rack for name in ("node-1", "node-2")] == ["", "A"]


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    loaded = load_site(files.write(tmp_path))
    assert "secret" not in repr(loaded.site.nodes)


def test_every_fault_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    server = files.server(tmp_path)
    server["listen"]["port"] = 99999
    server["authentication"]["acl"]["whitelist"] = []
    clusters = files.clusters(files.node(1, mac="52:54:00"), files.node(1, address="somewhere"))
    cluster = files.cluster()
    cluster["partitioning"]["layout"][1]["size"] = "lots"
    del cluster["partitioning"]["block_device"]
    told = faults_of(files.write(tmp_path, server=server, clusters=clusters, lab=cluster))
    assert told == [
        "server.conf: authentication.acl.whitelist: must not be empty",
        "server.conf: listen.port: must be at most 65535, not 99999",
        "clusters.conf: clusters[0].nodes[0].mac: must be a MAC address such as 52:54:00:12:34:56, not '52:54:00'",
        "lab.conf: partitioning.block_device: is required",
        "lab.conf: partitioning.layout[1].size: 'lots' is not a size such as 512M or 4G",
    ]


def test_a_cluster_file_is_read_also_when_nodes_are_at_fault(tmp_path: Path) -> None:
    clusters = files.clusters(files.node(1), files.node(1, address="somewhere", mac="52:54:00:12:34:99"))
    cluster = files.cluster()
    cluster["partitioning"]["layout"][1]["size"] = "lots"
    cluster["timeouts"]["reboot"] = "__import__('os')"
    del cluster["partitioning"]["block_device"]
    told = faults_of(files.write(tmp_path, clusters=clusters, lab=cluster))
    assert told[0] == "lab.conf: partitioning.block_device: is required"
    assert told[1] == "lab.conf: partitioning.layout[1].size: 'lots' is not a size such as 512M or 4G"
    assert told[2].startswith("lab.conf: timeouts.reboot: the timeout")
    assert told[3:] == [
        "clusters.conf: clusters[0].nodes[1].address: must be an IP address, not 'somewhere'",
        "clusters.conf: clusters[0].nodes[1].name: the node node-1 is already that of clusters[0].nodes[0].name",
    ]


Change = Callable[[dict[str, Any]], object]


@pytest.mark.parametrize(
    ("file", "change", "fault"),
    [
        ("server", lambda c: c.update(state_directory="here"), "state_directory: must be an absolute path, not 'here'"),
        ("server", lambda c: c["boot"].pop("address"), "boot.address: is required"),
        ("server", lambda c: c["boot"].update(port=1, meet_port=1), "boot: port and meet_port must differ, both are 1"),
        ("server", lambda c: c["boot"]["dnsmasq"].update(range="x"), "boot.dnsmasq.range: Input is not a valid IPv4"),
        ("server", lambda c: c.update(rights={"kind": "no"}), "rights.kind: must be db or dummy, not 'no'"),
        ("server", lambda c: c.update(files={"roots": ["/nowhere/x"]}), "files.roots[0]: there is no directory"),
        ("server", lambda c: c.update(ssh_private_key="/nowhere/k"), "ssh_private_key: there is no file /nowhere/k"),
        (
            "server",
            lambda c: c.update(authentication={"http_basic": {"dbfile": "/nowhere/p"}}),
            "authentication.http_basic.dbfile: there is no file /nowhere/p",
        ),
        (
            "server",
            lambda c: c.update(hooks={"end_of_reboot": "/nowhere/tell WORKFLOW_ID"}),
            "hooks.end_of_reboot: there is no program /nowhere/tell",
        ),
        ("server", lambda c: c.update(authentication=7), "authentication: must be a mapping of keys to values, not 7"),
        ("clusters", lambda c: c.update(clusters=[]), "clusters: must not be empty"),
        (
            "clusters",
            lambda c: c["clusters"][0].update(nodes=[{"name": "n-[1-3]", "address": "10.0.0.[1-2]"}]),
            "clusters[0].nodes[0]: n-[1-3] names 3 and 10.0.0.[1-2] has 2 addresses",
        ),
        (
            "clusters",
            lambda c: c["clusters"][0].update(nodes=[files.node(1, name="n-[1-2]", address="10.0.0.[1-2]")]),
            "clusters[0].nodes[0]: mac and bmc belong to one node",
        ),
        (
            "clusters",
            lambda c: c["clusters"][0]["nodes"][0]["bmc"].update(driver="redfish"),
            "clusters[0].nodes[0].bmc: url is required for redfish",
        ),
        (
            "clusters",
            lambda c: c["clusters"][0]["nodes"][0].update(firmware="openfirmware"),
            "clusters[0].nodes[0].firmware: must be bios or uefi, not 'openfirmware'",
        ),
        (
            "clusters",
            lambda c: c["clusters"][0]["nodes"][0].update(block_device="/dev/../etc"),
            "clusters[0].nodes[0].block_device: must be a device such as /dev/sda",
        ),
        (
            "clusters",
            lambda c: c["clusters"][0]["nodes"][1].update(mac="52-54-00-12-34-01"),
            "clusters[0].nodes[1].mac: the MAC 52:54:00:12:34:01 is already that of clusters[0].nodes[0].mac",
        ),
        (
            "lab",
            lambda c: c["partitioning"]["layout"].pop(2),
            "partitioning.layout: must have exactly one partition with the role deploy, not 0",
        ),
        (
            "lab",
            lambda c: c["partitioning"]["layout"][0].pop("size"),
            "partitioning.layout[0].size: is required, only the last partition may take the rest of the disk",
        ),
        (
            "lab",
            lambda c: [c["partitioning"]["layout"][index].update(number=3) for index in (2, 3)],
            "partitioning.layout[3].number: 3 is already taken by",
        ),
        (
            "lab",
            lambda c: c["partitioning"].update(
                partitions={"deploy": 7}, layout=[{"role": "deploy", "size": "1G", "number": 3}]
            ),
            "partitioning.layout[0].number: is 3, but partitions.deploy says 7",
        ),
        ("lab", lambda c: c["boot"]["kernels"]["user"].update(params="a\nb"), "boot.kernels.user.params: must be one"),
        ("lab", lambda c: c.update(patience={"quorum": 2}), "patience.quorum: must be at most 1"),
    ],
)
def test_one_fault(tmp_path: Path, file: str, change: Change, fault: str) -> None:
    contents = {"server": files.server(tmp_path), "clusters": files.clusters(), "lab": files.cluster()}
    change(contents[file])
    told = faults_of(files.write(tmp_path, **contents))
    assert any(line.startswith(f"{file}.conf: {fault}") for line in told), told


def test_files_that_are_missing_or_no_yaml_are_told_with_their_place(tmp_path: Path) -> None:
    files.write(tmp_path, server="listen: {port: 1\nrights: [")
    (tmp_path / "lab.conf").unlink()
    told = faults_of(tmp_path)
    assert told[0].startswith("server.conf: line 2, column ")
    assert told[1] == "lab.conf: cannot be read: No such file or directory"


def test_unknown_keys_are_warnings_with_what_was_meant(tmp_path: Path) -> None:
    server = files.server(tmp_path) | {"listne": {}, "logs": {"database": True}}
    cluster = files.cluster()
    cluster["boot"]["kernals"] = {}
    loaded = load_site(files.write(tmp_path, server=server, lab=cluster))
    assert set(loaded.warnings) == {
        "server.conf: listne: is not a known key; did you mean listen?",
        "server.conf: logs: is Kadeploy3's and has no effect here: the log goes to standard error, and what became of "
        "nodes to the database, see kastat",
        "lab.conf: boot.kernals: is not a known key; did you mean kernels?",
    }


def test_files_of_kadeploy3_stay_valid(tmp_path: Path) -> None:
    server = {
        "database": {"kind": "mysql", "host": "localhost", "name": "d", "login": "l", "passwd": "p"},
        "rights": {"kind": "db", "almighty_users": "root", "purge_deployment_timer": 900},
        "authentication": {
            "global": {"headers_prefix": "X-Other-"},
            "acl": {"whitelist": "localhost"},
            "ident": {"whitelist": "10.0.0.0/8, login"},
        },
        "security": {"secure_server": True, "certificate": "", "private_key": {"algorithm": "", "file": ""}},
        "cache": {"directory": "/tmp", "size": 500, "concurrency_level": 10},
        "network": {"server_hostname": "kadeploy", "ports": {"ssh": 22, "kadeploy_server": 25300}},
        "pxe": {"dhcp": {}},
    }
    clusters = {
        "clusters": [
            {
                "name": "alpha",
                "prefix": "a",
                "conf_file": "lab.conf",
                "nodes": [{"name": "a-[3,1]", "address": "10.1.0.[5,9]"}],
            }
        ]
    }
    cluster = {
        "partitioning": {
            "block_device": "/dev/sda",
            "script": "x",
            "partitions": {"swap": 1, "prod": 2, "deploy": 3, "tmp": 5},
        },
        "boot": {
            "install_bootloader": "x",
            "kernels": {
                "user": {"params": ""},
                "deploy": {"vmlinuz": "v", "initrd": "i", "supported_fs": "ext2, ext3, ext4"},
            },
        },
        "remoteops": {"reboot": [], "console": []},
        "automata": {},
        "timeouts": {"reboot": 120, "kexec": "60+n"},
    }
    loaded = load_site(files.write(tmp_path, server=server, clusters=clusters, lab=cluster))
    assert loaded.server.authentication.global_.headers_prefix == "X-Other-"
    assert {name: node.address for name, node in loaded.site.nodes.items()} == {"a-3": "10.1.0.5", "a-1": "10.1.0.9"}
    layout = loaded.site.clusters["alpha"].layout
    assert [(part.number, part.role) for part in layout.partitions] == [
        (4, Role.BOOT),
        (1, Role.SWAP),
        (2, Role.PROD),
        (3, Role.DEPLOY),
        (5, Role.TMP),
    ]
    assert loaded.site.clusters["alpha"].supported_fs == ("ext2", "ext3", "ext4")
    assert "lab.conf: partitioning.layout: is not given, a sample layout is used" in loaded.warnings
    assert (loaded.server.listen.port, str(loaded.server.listen.address)) == (25300, "0.0.0.0")


def test_the_old_file_names_are_read(tmp_path: Path) -> None:
    files.write(tmp_path)
    (tmp_path / "clusters.conf").rename(tmp_path / "clusters.yml")
    assert load_site(tmp_path).warnings == ("clusters.yml: is an old name, call it clusters.conf",)


def test_admins_may_use_yaml_anchors(tmp_path: Path) -> None:
    text = "bmc: &bmc {driver: ipmi, address: 10.9.0.1}\n"
    entries = [{"name": f"n-{index}", "address": f"10.0.0.{index}"} for index in (1, 2)]
    nodes = "\n".join(f"  - {{name: {e['name']}, address: {e['address']}, bmc: *bmc}}" for e in entries)
    files.write(tmp_path, clusters=f"{text}clusters:\n- name: lab\n  conf_file: lab.conf\n  nodes:\n{nodes}\n")
    loaded = load_site(tmp_path)
    assert loaded.site.nodes["n-2"].bmc is not None
    assert loaded.warnings == ("clusters.conf: bmc: is not a known key",)


def test_what_yaml_would_misread_is_read_as_it_was_meant(tmp_path: Path) -> None:
    clusters = yaml.safe_dump(files.clusters(files.node(1))).replace("'52:54:00:12:34:01'", "52:54:00:12:34:01")
    assert "mac: 52:54:00:12:34:01" in clusters
    assert load_site(files.write(tmp_path, clusters=clusters)).site.nodes["node-1"].mac == "52:54:00:12:34:01"


def test_groups_of_nodes_are_read_and_checked(tmp_path: Path) -> None:
    listed = {**files.clusters(), "groups": {"all-of-them": "node-[1-2]"}}
    assert load_site(files.write(tmp_path, clusters=listed)).site.groups == {"all-of-them": "node-[1-2]"}
    listed["groups"] = {"lab": "node-1", "x": "node-[1-3]", "y": "node-["}
    with pytest.raises(BadConfiguration) as refused:
        load_site(files.write(tmp_path, clusters=listed))
    told = str(refused.value)
    assert "clusters.conf: groups.lab: is the name of a cluster" in told
    assert "clusters.conf: groups.x: there is no node node-3" in told
    assert "clusters.conf: groups.y: 'node-[' is not a node range" in told
