"""`kadeployd --simulate` as a process of its own, with a private state, an authority and passwords."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import bcrypt

from kadeploy.testing.nodes import Fault, draw_faults
from kadeploy.testing.sites import site_of
from tests.simulated import simulated

DOMAIN: Final = "site1.example.org"
NODES: Final = 80
SPEED: Final = 600
FAULTS: Final = 0.4
PASSWORD: Final = "s3cret"
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
    options = ("--simulate-speed", str(SPEED), "--simulate-faults", str(FAULTS), "--simulate-domain", DOMAIN)
    with simulated(directory, *options, nodes=NODES, settings=_settings(directory, is_secure)) as server:
        yield Kadeployd(port=server.port, is_secure=is_secure, directory=directory)


def _settings(directory: Path, is_secure: bool) -> dict[str, object]:
    entry = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    (directory / "htpasswd").write_text(f"alice:{entry}\nadmin:{entry}\n")
    return {
        "security": {"secure_server": is_secure},
        "authentication": {
            "acl": {"whitelist": ["127.0.0.1"]},
            "http_basic": {"dbfile": str(directory / "htpasswd")},
            "failures": {"per_user": 1000, "per_address": 1000},
        },
        "rights": {"kind": "db", "almighty_users": ["root", "admin", "carol"]},
        "files": {"roots": [str(directory / "images")]},
        "windows": {"reboot": {"size": 50, "sleep_time": 0}},
    }
