"""A BMC for each machine: one process each, on the lab's own address, so that one can die without the others.

IPMI is `kadeploy.lab.ipmi`, Redfish is sushy-tools' emulator, allowed to see its own machine only.
"""

from __future__ import annotations

import http.client
import os
import socket
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import bcrypt

from kadeploy.domain.node import BmcKind
from kadeploy.errors import CommandFailed, Conflict
from kadeploy.lab.background import Background
from kadeploy.lab.credentials import Credentials, read, write, write_private
from kadeploy.lab.domain_xml import OVMF_CODE
from kadeploy.lab.libvirtd import URI

PATIENCE = 60.0  # seconds until a BMC answers: the emulators are slow to load on a busy machine
ROUNDS = 4  # bcrypt's fewest: the password is 64 random bits, and it is checked at every request

# Get Channel Authentication Capabilities, the one question every BMC answers a stranger (IPMI 2.0, 13.13 and 22.13).
WHO_IS_THERE = bytes.fromhex("0600ff0700000000000000000009 2018c88100388e04b5")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bmc:
    """One machine's BMC: a directory for its files, which are named after the machine."""

    machine: str
    directory: Path

    @property
    def credentials(self) -> Credentials:
        return read(self._credentials)

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def prepare(self, fresh: Credentials) -> Credentials:
        """Give it credentials, unless it has some. Returns those that are in force."""
        if not self._credentials.exists():
            write(self._credentials, fresh)
        return self.credentials

    def start(self) -> bool:
        """Start it without waiting for it; false if it runs. Raises Conflict if its port is taken."""
        if self.pid is not None:
            return False
        credentials = self.credentials
        check_free(credentials)
        if credentials.kind is BmcKind.REDFISH:
            self._write_redfish(credentials)
        self._process.start(self._argv(credentials), log=self._log, env=_environment())
        return True

    def wait(self) -> None:
        """Wait until it answers. Raises CommandFailed with the last thing it said."""
        credentials = self.credentials
        until = time.monotonic() + PATIENCE
        while not answers(credentials):
            if self.pid is None or time.monotonic() > until:
                said = self._log.read_text(errors="replace").strip().splitlines()
                raise CommandFailed(
                    f"The BMC of {self.machine} did not start: {said[-1] if said else 'it said nothing'}"
                )
            time.sleep(0.05)

    def end(self) -> bool:
        return self._process.end()

    def change_password(self, password: str) -> None:
        """Have it accept this password and no other from now on."""
        was_running = self.end()
        write(self._credentials, replace(self.credentials, password=password))
        if was_running:
            self.start()
            self.wait()

    def _argv(self, credentials: Credentials) -> tuple[str, ...]:
        if credentials.kind is BmcKind.IPMI:
            return (sys.executable, "-m", "kadeploy.lab.ipmi", str(self._credentials))
        return (sys.executable, "-m", "sushy_tools.emulator.main", "--config", str(self._file("conf")))

    def _write_redfish(self, credentials: Credentials) -> None:
        htpasswd = self._file("htpasswd")
        digest = bcrypt.hashpw(credentials.password.encode(), bcrypt.gensalt(ROUNDS)).decode()
        write_private(htpasswd, f"{credentials.user}:{digest}\n")
        write_private(self._file("conf"), redfish_settings(credentials, htpasswd, self._file("redfish")))

    @property
    def _process(self) -> Background:
        return Background(pidfile=self._file("pid"), mark=str(self._file("")))

    @property
    def _credentials(self) -> Path:
        return self._file("json")

    @property
    def _log(self) -> Path:
        return self._file("log")

    def _file(self, kind: str) -> Path:
        return self.directory / f"{self.machine}.{kind}"


def redfish_settings(credentials: Credentials, htpasswd: Path, state: Path) -> str:
    """sushy-emulator's configuration: Python assignments."""
    settings = {
        "LISTEN_IP": credentials.address,
        "LISTEN_PORT": credentials.port,
        "LIBVIRT_URI": URI,
        "AUTH_FILE": str(htpasswd),
        "ALLOWED_INSTANCES": [credentials.uuid],
        "FEATURE_SET": "minimum",
        "STATE_DIR": str(state),
        "BOOT_LOADER_MAP": {"UEFI": {"x86_64": str(OVMF_CODE)}, "Legacy": {"x86_64": None}},
    }
    return "".join(f"SUSHY_EMULATOR_{key} = {value!r}\n" for key, value in settings.items())


def check_free(credentials: Credentials) -> None:
    """Raises Conflict if something else has the BMC's port."""
    kind = socket.SOCK_DGRAM if credentials.kind is BmcKind.IPMI else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((credentials.address, credentials.port))
        except OSError as error:
            where = f"Port {credentials.port} of {credentials.address}, for the BMC of {credentials.domain},"
            raise Conflict(f"{where} cannot be had: {error.strerror}") from error


def answers(credentials: Credentials) -> bool:
    """Whether the BMC answers a stranger."""
    if credentials.kind is BmcKind.IPMI:
        return _answers_ipmi(credentials.address, credentials.port)
    return _answers_http(credentials.address, credentials.port)


def _answers_ipmi(address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(0.2)
        asker.connect((address, port))
        try:
            asker.send(WHO_IS_THERE)
            return bool(asker.recv(512))
        except OSError:
            return False


def _answers_http(address: str, port: int) -> bool:
    asker = http.client.HTTPConnection(address, port, timeout=2)
    try:
        asker.request("GET", "/redfish/v1/")
        return asker.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asker.close()


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    # virtualbmc would read the user's own configuration otherwise.
    return kept | {"PYTHONUNBUFFERED": "1", "VIRTUALBMC_CONFIG": os.devnull}
