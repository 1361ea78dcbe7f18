"""A small valid configuration, and writing one down."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


def server(directory: Path) -> dict[str, Any]:
    return {
        "state_directory": str(directory / "state"),
        "listen": {"address": "127.0.0.1", "port": 25300},
        "boot": {
            "address": "10.0.0.1",
            "minienv": str(directory / "minienv"),
            "dnsmasq": {"interface": "br0", "range": "10.0.0.0/24", "domain": "lab"},
        },
        "authentication": {"acl": {"whitelist": ["127.0.0.1"]}},
        "rights": {"almighty_users": "root, admin"},
        "files": {"roots": [str(directory)]},
    }


def node(number: int, **changes: object) -> dict[str, Any]:
    return {
        "name": f"node-{number}",
        "address": f"10.0.0.{10 + number}",
        "mac": f"52:54:00:12:34:{number:02d}",
        "firmware": "bios",
        "bmc": {"driver": "ipmi", "address": "127.0.0.1", "port": 6230 + number, "user": "admin", "password": "secret"},
        **changes,
    }


def clusters(*nodes: dict[str, Any]) -> dict[str, Any]:
    return {"clusters": [{"name": "lab", "conf_file": "lab.conf", "nodes": list(nodes) or [node(1), node(2)]}]}


def cluster() -> dict[str, Any]:
    return {
        "partitioning": {
            "block_device": "/dev/vda",
            "layout": [
                {"role": "boot", "size": "64M"},
                {"role": "swap", "size": "256M"},
                {"role": "deploy", "size": "3G"},
                {"role": "tmp", "fs": "ext4"},
            ],
        },
        "boot": {"kernels": {"deploy": {"params": "console=ttyS0"}, "user": {"params": "quiet"}}},
        "timeouts": {"reboot": "120 + 10*log(n)", "kexec": 60},
    }


def write(directory: Path, **files: object) -> Path:
    """`server=`, `clusters=`, `lab=`: mappings, or text as it is; what is left out is valid."""
    contents: dict[str, object] = {"server": server(directory), "clusters": clusters(), "lab": cluster(), **files}
    for name, content in contents.items():
        text = content if isinstance(content, str) else yaml.safe_dump(content)
        (directory / f"{name}.conf").write_text(text)
    return directory
