"""Hosts in network namespaces, each with an SSH server, a home and a `/srv` of its own; people sit at one more."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from kadeploy.testing.namespaces import Host, inside, network
from tests.integration.cast.waiting import LONGEST, until_none_runs

LISTENS = b"Not backgrounding"  # what dropbear says then
# `ip netns exec` gives a file system view of its own, too: what is mounted there is seen by nobody else.
SERVE = (
    'mount --bind "$0/home" "$HOME" && mount --bind "$0/srv" /srv && exec dropbear -F -E -s -r "$0/host-key" -p "$1:22"'
)


@dataclass(slots=True)
class Cluster:
    """host-1, host-2, ...; `folder` has what belongs to each of them under its name."""

    folder: Path
    desk: Host
    hosts: Sequence[Host]
    servers: list[Server] = field(default_factory=list)

    def srv(self, number: int) -> Path:
        """What the host has in its /srv."""
        return self.folder / f"host-{number}" / "srv"

    def running(self) -> list[int]:
        """The processes of all hosts, but for their SSH servers."""
        return [pid for host in self.hosts for pid in _processes(host) if _name(pid) not in ("dropbear", "ip", "")]

    def wait_idle(self) -> None:
        """Until nothing but SSH servers runs anywhere."""
        until_none_runs(self.running)

    def argv(self, *words: str) -> list[str]:
        """kacast, run at the desk."""
        tool = (sys.executable, "-m", "kadeploy.cast.tool", "-F", str(self.folder / "ssh_config"), "--timeout", "5")
        return ["ip", "netns", "exec", self.desk.namespace, *tool, *words]

    def kacast(self, *words: str, stdin: IO[bytes] | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(*words),
            stdin=stdin or subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=50,
            env=environment(self.folder),
        )


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "SSH_AUTH_SOCK": "", "HOME": str(home)}


@contextlib.contextmanager
def cluster(folder: Path, count: int, *, without: Sequence[int] = (), rate: str = "") -> Iterator[Cluster]:
    """`without`: the numbers of hosts that have no SSH server."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / "key"], check=True)
    with network(count + 1, rate=rate) as (desk, *hosts):
        made = Cluster(folder, desk, hosts)
        try:
            for number, host in enumerate(hosts, 1):
                _prepare(made, number)
                if number not in without:
                    made.servers.append(Server(folder / f"host-{number}", host))
            for server in made.servers:
                server.wait_for_start()
                _meet(desk, server.host)
            yield made
        finally:
            for server in made.servers:
                server.kill()
            for host in hosts:
                for process in _processes(host):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process, signal.SIGKILL)
            for server in made.servers:
                server.end()


def _prepare(made: Cluster, number: int) -> None:
    own = made.folder / f"host-{number}"
    (own / "home/.ssh").mkdir(parents=True, mode=0o700)
    (own / "srv").mkdir()
    (own / "home/.ssh/authorized_keys").write_bytes((made.folder / "key.pub").read_bytes())
    key = own / "host-key"
    subprocess.run(["dropbearkey", "-t", "ed25519", "-f", key], check=True, capture_output=True)
    told = subprocess.run(["dropbearkey", "-y", "-f", key], check=True, capture_output=True, text=True).stdout
    public = next(line for line in told.splitlines() if line.startswith("ssh-ed25519 "))
    address = made.hosts[number - 1].address
    with (made.folder / "known_hosts").open("a") as known:
        known.write(f"{address} {public}\n")
    with (made.folder / "ssh_config").open("a") as config:
        config.write(
            f"Host host-{number}\n HostName {address}\n User root\n IdentityFile {made.folder / 'key'}\n"
            f" UserKnownHostsFile {made.folder / 'known_hosts'}\n"
        )


class Server:
    """The SSH server of a host; what it and its children say is kept in `log`."""

    def __init__(self, own: Path, host: Host) -> None:
        argv = ["ip", "netns", "exec", host.namespace, "sh", "-c", SERVE, str(own), host.address]
        self.host = host
        self._log = own / "log"
        self._listens = threading.Event()
        self._process = subprocess.Popen(
            argv,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env=_env(),
        )
        self._keeping = threading.Thread(target=self._keep)
        self._keeping.start()

    def wait_for_start(self) -> None:
        assert self._listens.wait(LONGEST), self._log.read_text()
        assert self._process.poll() is None, self._log.read_text()

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def end(self) -> None:
        """After nobody is left who could say something."""
        self._keeping.join()

    def _keep(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as said, self._log.open("wb", buffering=0) as log:
            for line in said:
                log.write(line)
                if LISTENS in line:
                    self._listens.set()
        self._listens.set()  # or never will


def _env() -> dict[str, str]:
    return {**os.environ, "HOME": str(Path("~root").expanduser())}


def _meet(desk: Host, host: Host) -> None:
    """The desk knows its address on the wire from now on: else a host that is unplugged has no route to it."""
    with inside(desk), socket.create_connection((host.address, 22), LONGEST):
        pass


def _processes(host: Host) -> list[int]:
    listed = subprocess.run(["ip", "netns", "pids", host.namespace], capture_output=True, check=False)
    return [int(process) for process in listed.stdout.split()]


def _name(pid: int) -> str:
    """Empty for one that has just ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""
