"""A virtual cluster with a real `kadeployd` over it, driven by the installed tools as a user drives them."""

from __future__ import annotations

import contextlib
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
import yaml

from kadeploy.domain.disk import partition_path
from kadeploy.errors import NotFound
from kadeploy.lab.cluster import LABS, Lab
from kadeploy.lab.image import build_demo_image
from kadeploy.lab.site import SitePaths
from kadeploy.lab.spec import LabSpec
from kadeploy.minienv.build import build
from tests.vm.waiting import wait_for

TOOLS: Final = Path(sys.executable).parent
BUILD: Final = Path(__file__).parents[2] / "build"
ENVIRONMENT: Final = "debian12-min"
LAYOUT: Final = (  # with room for a second system, which the first one leaves alone
    {"role": "boot", "size": "64M"},
    {"role": "swap", "size": "256M"},
    {"role": "deploy", "size": "2G"},
    {"role": "prod", "size": "2G"},
    {"role": "tmp", "fs": "ext4"},
)


@dataclass
class ServedLab:
    """`lab` is up; the daemon can be started, killed and started again. It speaks TLS, with people and with agents."""

    lab: Lab
    directory: Path
    port: int
    daemon: subprocess.Popen[bytes] | None = None
    logs: list[Path] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def authority(self) -> Path:
        """The certificate that the daemon made at its first start, and by which everybody knows it."""
        return self.lab.state.paths.state / "tls/ca.pem"

    @property
    def key(self) -> Path:
        return self.directory / "key"

    def start(self) -> None:
        log = self.directory / f"kadeployd-{len(self.logs)}.log"
        self.logs.append(log)
        with log.open("wb") as output:
            argv = [str(TOOLS / "kadeployd"), "--config", str(self.lab.site), "-v"]
            self.daemon = subprocess.Popen(argv, stdout=output, stderr=output, start_new_session=True)
        wait_for(self._answers, 30, "kadeployd answers")

    def kill(self) -> None:
        """SIGKILL, to the daemon alone: what it started is left as a crash leaves it."""
        assert self.daemon is not None
        self.daemon.kill()
        self.daemon.wait()

    def stop(self) -> None:
        if self.daemon is not None and self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGTERM)
            self.daemon.wait(timeout=30)

    def switch_off(self) -> None:
        """Every machine: one that idles takes a part of the others' time."""
        for node in self.lab.nodes:
            node.destroy()

    def run(self, tool: str, *argv: str | Path, timeout: float = 600) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [TOOLS / tool, *argv],
            env=self._env,
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def begin(self, tool: str, *argv: str | Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [TOOLS / tool, *argv],
            env=self._env,
            cwd=self.directory,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def get(self, path: str) -> Any:
        """What the API answers root."""
        return self._ask(path).json()

    def board(self) -> dict[str, Any]:
        """The live picture of the newest deployment, or nothing."""
        listed = self.get("/deployment")
        picture: dict[str, Any] = self.get(f"/deployment/{listed[-1]['wid']}/board") if listed else {}
        return picture

    def ssh(self, node: str, command: str, *, timeout: float = 60) -> str:
        """What the command says on the node; raises AssertionError with what ssh says."""
        address = self.lab.node(node).address
        options = [
            "BatchMode=yes",
            "ConnectTimeout=10",
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=ERROR",
        ]
        argv = [
            "ssh",
            "-i",
            str(self.key),
            *(word for option in options for word in ("-o", option)),
            f"root@{address}",
            command,
        ]
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=timeout, check=False, stdin=subprocess.DEVNULL
        )
        assert done.returncode == 0, f"{node}: {done.stderr}"
        return done.stdout.strip()

    @contextlib.contextmanager
    def configured(self, changes: Mapping[str, Mapping[str, Any]]) -> Iterator[None]:
        """The daemon started again with other words in files of its configuration, and at the end with the old ones."""
        before = {file: (self.lab.site / file).read_text() for file in changes}
        self.stop()
        for file, words in changes.items():
            self.write(file, words)
        self.start()
        try:
            yield
        finally:
            self.stop()
            for file, text in before.items():
                (self.lab.site / file).write_text(text)
            self.start()

    def write(self, file: str, words: Mapping[str, Any]) -> None:
        """Words in a file of the site's configuration, in place of those that it has."""
        path = self.lab.site / file
        path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **words}))

    def trust(self) -> None:
        """Have the tools know the daemon by its authority, as an administrator does it for a machine's users."""
        server = {"name": "lab", "hostname": "127.0.0.1", "port": self.port, "ca": str(self.authority)}
        self._client.mkdir()
        (self._client / "client.conf").write_text(yaml.safe_dump({"default": "lab", "servers": [server]}))

    def _ask(self, path: str) -> httpx2.Response:
        tls = ssl.create_default_context(cafile=self.authority)
        return httpx2.get(f"{self.url}{path}", headers={"X-Kadeploy-User": "root"}, verify=tls)

    @property
    def _client(self) -> Path:
        return self.directory / "client"

    @property
    def _env(self) -> dict[str, str]:
        others = {name: value for name, value in os.environ.items() if name != "KADEPLOY_SERVER"}
        return {**others, "KADEPLOY_CONFIG_DIR": str(self._client), "USER": "root"}

    def _answers(self) -> bool:
        assert self.daemon is not None
        assert self.daemon.poll() is None, self.logs[-1].read_text()
        try:
            return self._ask("/version").is_success
        except (FileNotFoundError, httpx2.TransportError):  # it has not made its authority yet, or does not listen
            return False


@contextlib.contextmanager
def serving(spec: LabSpec, directory: Path, *, port: int) -> Iterator[ServedLab]:
    """The lab up, the daemon over it, root with all rights, the demo image recorded; all of it gone at the end."""
    build(BUILD / "minienv")
    build_demo_image(BUILD / "images")
    paths = SitePaths(
        state=directory / "state", minienv=BUILD / "minienv", images=BUILD / "images", api_port=port, tls=True
    )
    with contextlib.suppress(NotFound):  # what a killed run left
        Lab.load(LABS / spec.name).down(print)
    lab = Lab.new(LABS / spec.name, spec, site_directory=directory / "site", paths=paths)
    lab.up(print)
    served = ServedLab(lab=lab, directory=directory, port=port)
    try:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", served.key], check=True)
        served.write("lab.conf", {"partitioning": {"block_device": "/dev/vda", "layout": list(LAYOUT)}})
        served.start()
        served.trust()
        for argv in (("karights", "-a", "-u", "root", "-m", "*"), ("kaenv", "-a", BUILD / "images/debian12-min.yaml")):
            done = served.run(*argv)
            assert done.returncode == 0, done.stderr
        yield served
    finally:
        served.stop()
        lab.down(print)


def installed_and_on_its_own_disk(served: ServedLab, node: str, partition: int = 3) -> None:
    """The deployed Debian, its root on the node's disk, its own name, and not the minimal environment."""
    root = partition_path(served.lab.node(node).spec.disk.block_device, partition)
    questions = ("hostname", "findmnt -no SOURCE /", ". /etc/os-release; echo $ID", "systemctl is-active ssh")
    booted = "systemctl is-system-running --wait >/dev/null"  # it lets people in before all of it runs
    said = served.ssh(node, "; ".join((booted, *questions, "swapon --noheadings | wc -l")), timeout=180)
    assert said.splitlines() == [node, root, "debian", "active", "1"], said


def report_of(path: Path) -> list[str]:
    """The nodes a tool wrote to a file."""
    return path.read_text().split()
