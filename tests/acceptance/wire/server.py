"""`kadeployd --simulate` as a process of its own, with a private state, an authority and passwords."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import bcrypt
import yaml

from kadeploy.testing.nodes import Fault, draw_faults
from kadeploy.testing.sites import site_of

BIN: Final = Path(sys.executable).parent
DOMAIN: Final = "site1.example.org"
NODES: Final = 80
SPEED: Final = 600
FAULTS: Final = 0.4
PASSWORD: Final = "s3cret"
LONGEST: Final = 40.0  # seconds for it to start, and to end
REFUSED: Final = "BMC"  # what is said of the nodes whose power cannot be switched


@dataclass(frozen=True, slots=True, kw_only=True)
class Kadeployd:
    """`directory/images` is where its files are, `directory/tmp` where its state is."""

    port: int
    is_secure: bool
    directory: Path

    @property
    def database(self) -> Path:
        (found,) = (self.directory / "tmp").glob("kadeploy-simulated-*/kadeploy.db")
        return found

    def log(self) -> str:
        return (self.directory / "log").read_text()


def healthy_nodes() -> list[str]:
    """Full names of nodes that do what they are told."""
    site = site_of(NODES, domain=DOMAIN)
    faulty = draw_faults(list(site.nodes), share=FAULTS, seed=1)
    return [name for name in site.nodes if name not in faulty]


def refusing_node() -> str:
    """The full name of a node whose power cannot be switched."""
    faulty = draw_faults(list(site_of(NODES, domain=DOMAIN).nodes), share=FAULTS, seed=1)
    return next(name for name, fault in faulty.items() if fault is Fault.BMC_REFUSES)


@contextlib.contextmanager
def kadeployd(directory: Path, *, is_secure: bool) -> Iterator[Kadeployd]:
    """Serve until the block ends; alice and admin have a password, and this machine is believed without one."""
    (directory / "images").mkdir(parents=True)
    (directory / "tmp").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    _write_configuration(directory, port, is_secure)
    argv = [str(BIN / "kadeployd"), "--config", str(directory), "--simulate", str(NODES)]
    argv += ["--simulate-speed", str(SPEED), "--simulate-faults", str(FAULTS), "--simulate-domain", DOMAIN]
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(argv, stderr=log, env={**os.environ, "TMPDIR": str(directory / "tmp")})
    server = Kadeployd(port=port, is_secure=is_secure, directory=directory)
    try:
        _until_ready(process, server)
        yield server
        process.send_signal(signal.SIGTERM)
        assert process.wait(LONGEST) == 0, server.log()
    finally:
        process.kill()
        process.wait()


def _write_configuration(directory: Path, port: int, is_secure: bool) -> None:
    entry = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    (directory / "htpasswd").write_text(f"alice:{entry}\nadmin:{entry}\n")
    server = {
        "listen": {"address": "127.0.0.1", "port": port},
        "security": {"secure_server": is_secure},
        "authentication": {
            "acl": {"whitelist": ["127.0.0.1"]},
            "http_basic": {"dbfile": str(directory / "htpasswd")},
            "failures": {"per_user": 1000, "per_address": 1000},
        },
        "rights": {"kind": "db", "almighty_users": ["root", "admin", "carol"]},
        "files": {"roots": [str(directory / "images")]},
        "windows": {"reboot": {"size": 50, "sleep_time": 0}},
        "state_directory": str(directory / "state"),
    }
    (directory / "server.conf").write_text(yaml.safe_dump(server))
    (directory / "clusters.conf").write_text(
        "clusters: [{name: real, conf_file: real.conf, nodes: [{name: real-1, address: 10.9.9.9}]}]\n"
    )
    (directory / "real.conf").write_text("partitioning: {block_device: /dev/sda, partitions: {deploy: 2, swap: 1}}\n")


def _until_ready(process: subprocess.Popen[bytes], server: Kadeployd) -> None:
    end = time.monotonic() + LONGEST
    while "ready on" not in server.log():
        assert process.poll() is None, server.log()
        assert time.monotonic() < end, "it did not start"
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
