"""The configuration `kadeployd` is started with, written for a lab as a site's admin would write it for a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from kadeploy.domain.node import BmcKind
from kadeploy.lab.credentials import Credentials
from kadeploy.lab.spec import LabSpec

CLUSTER = "lab"
API_PORT = 25300
BOOT_PORT = 25301
MEET_PORT = 25302
FILES = ("server.conf", "clusters.conf", f"{CLUSTER}.conf")
# QEMU's first serial port, which the lab logs. And that timers work is taken for granted: to find out, Linux counts
# ticks while it counts cycles, and takes an emulated machine that gets little of its processor for a broken one.
PARAMS = "console=ttyS0,115200 no_timer_check"
LAYOUT = (
    {"role": "boot", "size": "64M"},
    {"role": "swap", "size": "256M"},
    {"role": "deploy", "size": "3G"},
    {"role": "tmp", "fs": "ext4"},
)
TIMEOUTS = {"reboot": 240, "kexec": 240}  # seconds; machines are emulated, several on one core


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePaths:
    """Where the server keeps its things, and finds what others made; `tls`: whether API and agents speak it."""

    state: Path
    minienv: Path
    images: Path
    api_port: int = API_PORT
    tls: bool = False


def site_files(spec: LabSpec, paths: SitePaths, bmcs: Mapping[str, Credentials]) -> dict[str, str]:
    """Each file's name and text."""
    contents = (_server(spec, paths), _clusters(spec, bmcs), _cluster(spec))
    return {name: _yaml(content) for name, content in zip(FILES, contents, strict=True)}


def _server(spec: LabSpec, paths: SitePaths) -> dict[str, Any]:
    return {
        "state_directory": str(paths.state),
        "listen": {"address": "127.0.0.1", "port": paths.api_port},
        "security": {"secure_server": paths.tls, "secure_agents": paths.tls},
        "boot": {
            "address": str(spec.address),
            "port": BOOT_PORT,
            "meet_port": MEET_PORT,
            "minienv": str(paths.minienv),
            "dnsmasq": {"interface": spec.bridge, "range": str(spec.subnet), "domain": CLUSTER},
        },
        "authentication": {"acl": {"whitelist": ["127.0.0.1"]}},
        "rights": {"almighty_users": "root"},
        "files": {"roots": [str(paths.images)]},
        "database": {"url": f"sqlite:///{paths.state}/kadeploy.sqlite"},
    }


def _clusters(spec: LabSpec, bmcs: Mapping[str, Credentials]) -> dict[str, Any]:
    nodes = [_node(spec, machine.name, bmcs[machine.name]) for machine in spec.machines]
    return {"clusters": [{"name": CLUSTER, "conf_file": f"{CLUSTER}.conf", "nodes": nodes}]}


def _node(spec: LabSpec, name: str, bmc: Credentials) -> dict[str, Any]:
    machine = spec.machine(name)
    return {
        "name": name,
        "address": str(spec.node_address(name)),
        "mac": spec.mac(name),
        "firmware": str(machine.firmware),
        "block_device": machine.disk.block_device,
        "bmc": _bmc(bmc),
    }


def _bmc(bmc: Credentials) -> dict[str, Any]:
    if bmc.kind is BmcKind.IPMI:
        where: dict[str, Any] = {"driver": "ipmi", "address": bmc.address, "port": bmc.port}
    else:
        where = {"driver": "redfish", "url": bmc.url, "system": bmc.system}
    return where | {"user": bmc.user, "password": bmc.password}


def _cluster(spec: LabSpec) -> dict[str, Any]:
    return {
        "partitioning": {"block_device": spec.machines[0].disk.block_device, "layout": list(LAYOUT)},
        "boot": {"kernels": {"deploy": {"params": PARAMS}, "user": {"params": PARAMS}}},
        "timeouts": TIMEOUTS,
    }


def _yaml(content: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(content), sort_keys=False, width=120)
