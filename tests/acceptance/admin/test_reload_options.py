"""Options of server.conf that a running server takes over, each as it is felt."""

from __future__ import annotations

import io
import random
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.admin.test_reload import Served

PREFIXED: dict[str, Any] = {"acl": {"whitelist": ["127.0.0.1"]}, "global": {"headers_prefix": "X-Site-"}}


@pytest.fixture
def served(tmp_path: Path) -> Served:
    return Served(tmp_path)


def test_metrics_and_headers_are_asked_for_as_the_new_configuration_says(served: Served) -> None:
    with served.serving():
        assert served.status("/metrics", user="") == 401
        served.change("server", metrics={"access": "open"}, authentication=PREFIXED)
        assert served.kadmin().stdout.splitlines() == [
            "changed: authentication.global.headers_prefix",
            "changed: metrics.access",
        ]
        assert served.status("/metrics", user="") == 200
        assert served.status("/whoami") == 401, "nobody is named by the header of before"
        assert served.status("/whoami", prefix="X-Site-") == 200
        served.change("server", metrics={"access": "administer"})
        assert served.kadmin().stdout == "changed: metrics.access\n", "kadmin itself is let in by its token"
        assert served.status("/metrics", user="alice", prefix="X-Site-") == 403
        assert served.status("/metrics", prefix="X-Site-") == 200


def test_consoles_by_plain_ports_can_be_forbidden_and_permitted(served: Served) -> None:
    wish = {"node": "node-1"}
    served.change("server", rights={"kind": "dummy"})
    with served.serving():
        assert '"console": "tcp://127.0.0.1:' in served.post(path="/console", body=wish)[1]
        served.change("server", console={"tcp": False})
        assert served.kadmin().stdout == "changed: console.tcp\n"
        assert "this server opens no TCP ports for consoles" in served.post(path="/console", body=wish)[1]
        served.change("server", console={"tcp": True, "scrollback": 10, "unattended": 5})
        assert served.kadmin().stdout == "".join(
            f"changed: console.{one}\n" for one in ("scrollback", "tcp", "unattended")
        )
        assert '"console": "tcp://127.0.0.1:' in served.post(path="/console", body=wish)[1]


def test_vlans_come_and_go(served: Served) -> None:
    wish = {"nodes": ["node-1"], "kind": "simple", "vlan": "3", "dry_run": True}
    without = "vlan: this server moves no nodes between VLANs"
    served.change("server", rights={"kind": "dummy"})
    with served.serving():
        assert without in served.post(path="/reboot", body=wish)[1]
        served.change("server", network={"vlan": {"set_cmd": "true -i VLAN_ID NODES"}, "ports": {"ssh": 2222}})
        assert served.kadmin().stdout == "changed: network.ports.ssh\nchanged: network.vlan.set_cmd\n"
        status, said = served.post(path="/reboot", body=wish)
        assert (status, "set_vlan" in said) == (200, True), said
        served.change("server", network={})
        assert served.kadmin().exit == 0
        assert without in served.post(path="/reboot", body=wish)[1]


def test_a_network_that_nodes_come_from_is_believed_or_not(served: Served) -> None:
    with served.serving():
        assert served.boots("52:54:00:12:34:01") == 403
        served.change_boot(also_from=["127.0.0.0/8"])
        assert served.kadmin().stdout == "changed: boot.also_from\n"
        assert served.boots("52:54:00:12:34:01") == 200
        served.change_boot(also_from=[])
        assert served.kadmin().exit == 0
        assert served.boots("52:54:00:12:34:01") == 403


def test_archives_may_be_larger(served: Served) -> None:
    archive = served.directory / "scripts.tar.gz"
    with tarfile.open(archive, "w:gz") as opened:
        noise = tarfile.TarInfo("noise")
        noise.size = 2 * 1024**2
        opened.addfile(noise, io.BytesIO(random.Random(1).randbytes(noise.size)))
    image = {"file": f"server://{archive}", "kind": "tar", "compression": "gzip"}
    post = {"archive": f"server://{archive}", "compression": "gzip"}
    environment = {"name": "x", "os": "linux", "image": image, "filesystem": "ext4", "boot": {"kernel": "/vmlinuz"}}
    wish = {"environment": {**environment, "postinstalls": [post]}}
    served.change("server", environments={"max_postinstall_size": 1})
    with served.serving():
        status, said = served.post(path="/environments", body=wish)
        assert (status, "1048576 bytes" in said) == (400, True), said
        served.change("server", environments={"max_postinstall_size": 3})
        assert served.kadmin().stdout == "changed: environments.max_postinstall_size\n"
        assert served.post(path="/environments", body=wish)[0] == 200


def test_what_is_done_is_written_to_another_file(served: Served) -> None:
    file = served.directory / "audit.log"
    with served.serving():
        served.change("server", audit={"file": str(file)})
        assert served.kadmin().stdout == "changed: audit.file\n"
        served.post(path="/tokens", body={"name": "one"})
        assert "POST /tokens" in file.read_text()
