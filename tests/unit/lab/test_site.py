"""The configuration a lab writes for the server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from kadeploy.domain.node import BmcKind
from kadeploy.lab.credentials import Credentials, new, read, write, write_private
from kadeploy.lab.site import FILES, SitePaths, site_files
from kadeploy.lab.spec import mixed

SPEC = mixed()
PATHS = SitePaths(state=Path("/s/kadeployd"), minienv=Path("/m"), images=Path("/i"), api_port=25400)
BMCS = {each.name: new(SPEC, each.name, f"uuid-of-{each.name}") for each in SPEC.machines}


@pytest.fixture
def files() -> dict[str, Any]:
    return {name: yaml.safe_load(text) for name, text in site_files(SPEC, PATHS, BMCS).items()}


def test_the_files_are_those_of_a_site(files: dict[str, Any]) -> None:
    assert tuple(files) == FILES == ("server.conf", "clusters.conf", "lab.conf")


def test_the_server_listens_on_the_lab_and_answers_on_this_machine_only(files: dict[str, Any]) -> None:
    server = files["server.conf"]
    assert server["listen"] == {"address": "127.0.0.1", "port": 25400}
    assert server["boot"]["address"] == "10.214.0.1"
    assert server["boot"]["dnsmasq"] == {"interface": "kalab-lab", "range": "10.214.0.0/24", "domain": "lab"}
    assert server["files"] == {"roots": ["/i"]}
    assert server["database"] == {"url": "sqlite:////s/kadeployd/kadeploy.sqlite"}


@pytest.mark.parametrize("tls", [False, True])
def test_a_lab_speaks_tls_when_it_is_told_to(tls: bool) -> None:
    server = yaml.safe_load(site_files(SPEC, replace(PATHS, tls=tls), BMCS)["server.conf"])
    assert server["security"] == {"secure_server": tls, "secure_agents": tls}


def test_every_node_has_its_own_address_disk_and_bmc(files: dict[str, Any]) -> None:
    (cluster,) = files["clusters.conf"]["clusters"]
    one, two, three = cluster["nodes"]
    assert (one["name"], one["address"], one["firmware"]) == ("node-1", "10.214.0.11", "bios")
    assert one["bmc"]["driver"] == three["bmc"]["driver"] == "ipmi"
    assert (one["bmc"]["address"], one["bmc"]["port"], three["bmc"]["port"]) == ("10.214.0.1", 6231, 6233)
    assert (two["firmware"], two["block_device"]) == ("uefi", "/dev/nvme0n1")
    assert two["bmc"] == {
        "driver": "redfish",
        "url": "http://10.214.0.1:8002",
        "system": "/redfish/v1/Systems/uuid-of-node-2",
        "user": "admin",
        "password": BMCS["node-2"].password,
    }
    assert len({each["mac"] for each in cluster["nodes"]}) == 3


def test_the_cluster_has_a_boot_partition_swap_a_deployment_and_a_rest(files: dict[str, Any]) -> None:
    layout = files[files["clusters.conf"]["clusters"][0]["conf_file"]]["partitioning"]["layout"]
    assert [part["role"] for part in layout] == ["boot", "swap", "deploy", "tmp"]
    assert [part.get("size") for part in layout] == ["64M", "256M", "3G", None]


def test_credentials_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "bmc" / "node-2.json"
    write(path, BMCS["node-2"])
    assert read(path) == BMCS["node-2"]
    assert read(path).kind is BmcKind.REDFISH
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_private_file_replaced_is_private_again(tmp_path: Path) -> None:
    path = tmp_path / "server.conf"
    path.write_text("open to all")
    path.chmod(0o644)
    write_private(path, "secret")
    assert (path.read_text(), path.stat().st_mode & 0o777) == ("secret", 0o600)
    assert list(tmp_path.iterdir()) == [path]


def test_every_bmc_has_a_password_that_every_ipmi_tool_takes() -> None:
    passwords = [each.password for each in BMCS.values()]
    assert len(set(passwords)) == 3
    assert all(len(password) == 16 for password in passwords)


def test_credentials_tell_where_redfish_is() -> None:
    found: Credentials = BMCS["node-2"]
    assert (found.url, found.system) == ("http://10.214.0.1:8002", "/redfish/v1/Systems/uuid-of-node-2")
