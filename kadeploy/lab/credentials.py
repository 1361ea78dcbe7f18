"""How to reach one machine's BMC: written once, readable by root only, used by the BMC and the site's files."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from kadeploy.domain.node import BmcKind
from kadeploy.lab.spec import LabSpec

USER = "admin"
PASSWORD_LENGTH = 16  # the most that IPMI 1.5, and with it some tools, take


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    kind: BmcKind
    address: str
    port: int
    user: str
    password: str
    domain: str
    uuid: str

    @property
    def url(self) -> str:
        return f"http://{self.address}:{self.port}"

    @property
    def system(self) -> str:
        """The machine's place in a Redfish service."""
        return f"/redfish/v1/Systems/{self.uuid}"


def new(spec: LabSpec, machine: str, uuid: str) -> Credentials:
    """Fresh ones, with a password of their own."""
    return Credentials(
        kind=spec.machine(machine).bmc,
        address=str(spec.address),
        port=spec.bmc_port(machine),
        user=USER,
        password=secrets.token_hex(PASSWORD_LENGTH // 2),
        domain=spec.domain(machine),
        uuid=uuid,
    )


def read(path: Path) -> Credentials:
    found = json.loads(path.read_text())
    return Credentials(**(found | {"kind": BmcKind(found["kind"])}))


def write(path: Path, credentials: Credentials) -> None:
    write_private(path, json.dumps(asdict(credentials), indent=2) + "\n")


def write_private(path: Path, text: str) -> None:
    """Replace a file that holds secrets: mode 0600 from its first byte on, and never seen half-written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    part.replace(path)
