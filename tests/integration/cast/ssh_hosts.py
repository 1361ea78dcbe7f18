"""Hosts in network namespaces, each with an SSH server, a home and a `/srv` of its own; people sit at one more."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from kadeploy.testing.namespaces import Host, inside, network

LONGEST = 30.0  # seconds any wait of a test may take
LOOK = 0.02
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
    servers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def srv(self, number: int) -> Path:
        """What the host has in its /srv."""
        return self.folder / f"host-{number}" / "srv"

    def running(self, number: int) -> list[str]:
        """The names of the processes of a host, but for its SSH server's."""
        listed = subprocess.run(
            ["ip", "netns", "pids", self.hosts[number - 1].namespace], capture_output=True, text=True, check=True
        )
        names = []
        for process in listed.stdout.split():
            with contextlib.suppress(OSError):  # it has just ended
                names.append(Path(f"/proc/{process}/comm").read_text().strip())
        return [name for name in names if name not in ("dropbear", "ip")]

    def wait_idle(self) -> None:
        """Until nothing but SSH servers runs anywhere."""
        until(lambda: not any(self.running(number) for number in range(1, len(self.hosts) + 1)))

    def argv(self, *words: str) -> list[str]:
        """kacast, run at the desk."""
        tool = (sys.executable, "-m", "kadeploy.cast.tool", "-F", str(self.folder / "ssh_config"), "--timeout", "5")
        return ["ip", "netns", "exec", self.desk.namespace, *tool, *words]

    def kacast(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.argv(*words), capture_output=True, text=True, check=False, timeout=50, env=environment(self.folder)
        )


def environment(home: Path) -> dict[str, str]:
    return {**os.environ, "SSH_AUTH_SOCK": "", "HOME": str(home)}


def until(is_so: object) -> None:
    assert callable(is_so)
    deadline = time.monotonic() + LONGEST
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(LOOK)


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
                    made.servers[f"host-{number}"] = _serve(folder / f"host-{number}", host)
            for number, host in enumerate(hosts, 1):
                if number not in without:
                    with inside(desk):
                        until(lambda host=host: _listens(host))
            yield made
        finally:
            for server in made.servers.values():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(server.pid, signal.SIGKILL)
                server.wait()
            for host in hosts:
                left = subprocess.run(["ip", "netns", "pids", host.namespace], capture_output=True, check=False)
                for process in left.stdout.split():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(int(process), signal.SIGKILL)


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


def _serve(own: Path, host: Host) -> subprocess.Popen[bytes]:
    argv = ["ip", "netns", "exec", host.namespace, "sh", "-c", SERVE, str(own), host.address]
    with (own / "log").open("wb") as log:
        return subprocess.Popen(
            argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True, env=_env()
        )


def _env() -> dict[str, str]:
    return {**os.environ, "HOME": str(Path("~root").expanduser())}


def _listens(host: Host) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host.address, 22), 1.0):
        return True
    return False
