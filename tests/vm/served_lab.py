"""A virtual cluster with a real `kadeployd` over it, driven by the installed tools as a user drives them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx2
import yaml

from kadeploy.errors import NotFound
from kadeploy.lab.cluster import LABS, Lab
from kadeploy.lab.image import build_demo_image
from kadeploy.lab.site import SitePaths
from kadeploy.lab.spec import LabSpec
from kadeploy.minienv.build import build

TOOLS: Final = Path(sys.executable).parent
BUILD: Final = Path(__file__).parents[2] / "build"
ENVIRONMENT: Final = "debian12-min"


@dataclass
class ServedLab:
    """`lab` is up; the daemon can be started, killed and started again."""

    lab: Lab
    directory: Path
    port: int
    daemon: subprocess.Popen[bytes] | None = None
    logs: list[Path] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

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

    def board(self) -> dict[str, Any]:
        """The live picture of the newest deployment, or nothing."""
        headers = {"X-Kadeploy-User": "root"}
        listed = httpx2.get(f"{self.url}/deployment", headers=headers).json()
        if not listed:
            return {}
        picture: dict[str, Any] = httpx2.get(f"{self.url}/deployment/{listed[-1]['wid']}/board", headers=headers).json()
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

    def change(self, file: str, change: Callable[[Any], None]) -> None:
        """Edit a file of the site's configuration."""
        path = self.lab.site / file
        content = yaml.safe_load(path.read_text())
        change(content)
        path.write_text(yaml.safe_dump(content, sort_keys=False))

    @property
    def _env(self) -> dict[str, str]:
        return {**os.environ, "KADEPLOY_SERVER": self.url, "USER": "root"}

    def _answers(self) -> bool:
        assert self.daemon is not None
        assert self.daemon.poll() is None, self.logs[-1].read_text()
        try:
            return bool(httpx2.get(f"{self.url}/version").status_code == 200)
        except httpx2.TransportError:
            return False


@contextlib.contextmanager
def serving(spec: LabSpec, directory: Path, *, port: int) -> Iterator[ServedLab]:
    """The lab up, the daemon over it, root with all rights, the demo image recorded; all of it gone at the end."""
    build(BUILD / "minienv")
    build_demo_image(BUILD / "images")
    paths = SitePaths(state=directory / "state", minienv=BUILD / "minienv", images=BUILD / "images", api_port=port)
    with contextlib.suppress(NotFound):  # what a killed run left
        Lab.load(LABS / spec.name).down(print)
    lab = Lab.new(LABS / spec.name, spec, site_directory=directory / "site", paths=paths)
    lab.up(print)
    served = ServedLab(lab=lab, directory=directory, port=port)
    try:
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", served.key], check=True)
        served.start()
        for argv in (("karights", "-a", "-u", "root", "-m", "*"), ("kaenv", "-a", BUILD / "images/debian12-min.yaml")):
            done = served.run(*argv)
            assert done.returncode == 0, done.stderr
        yield served
    finally:
        served.stop()
        lab.down(print)


def wait_for(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Look until it is so; the only way these tests wait."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.2)


def installed_and_on_its_own_disk(served: ServedLab, node: str) -> None:
    """The deployed Debian, its root on the node's disk, its own name, and not the minimal environment."""
    root = "/dev/nvme0n1p3" if served.lab.node(node).spec.disk.value == "nvme" else "/dev/vda3"
    questions = ("hostname", "findmnt -no SOURCE /", ". /etc/os-release; echo $ID", "systemctl is-active ssh")
    said = served.ssh(node, "; ".join((*questions, "swapon --noheadings | wc -l")))
    assert said.splitlines() == [node, root, "debian", "active", "1"]


def report_of(path: Path) -> list[str]:
    """The nodes a tool wrote to a file."""
    return path.read_text().split()
