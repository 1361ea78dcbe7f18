"""The API under a crowd: `python -m bench.api`. 1,000 tools poll one deployment of 1,000 nodes, 100 read its events.

The server is `kadeployd --simulate`, as anyone starts it, and the crowd a process of its own. Every poll is a
connection of its own. Figures hang on this machine: the floor beside them is the same crowd asking for `/version`.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

BAR: Final = 0.2  # seconds, for the slowest percent
ENVIRONMENT: Final = {"kind": "database", "user": "root", "name": "simulated"}
SERVER: Final = {
    "security": {"secure_server": False},
    "rights": {"kind": "dummy"},
    "authentication": {"acl": {"whitelist": ["127.0.0.1"]}},
}
CLUSTERS: Final = {
    "clusters": [{"name": "one", "conf_file": "one.conf", "nodes": [{"name": "real-1", "address": "10.9.9.9"}]}]
}
CLUSTER: Final = {"partitioning": {"block_device": "/dev/sda", "partitions": {"deploy": 2, "swap": 1}}}
USER: Final = {"X-Kadeploy-User": "root", "Content-Type": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    pid: int
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def call(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url + path, data=data, method=method, headers=USER)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    @property
    def memory(self) -> float:
        """Resident, in MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    @property
    def processor(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the API under a crowd of pollers and readers.")
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    with simulated(options.nodes) as server:
        order = {"nodes": [f"node-[1-{options.nodes}]"], "environment": ENVIRONMENT}
        wid = server.call("POST", "/deployment", order)["wid"]
        floor = crowd(server, "/version", clients=options.clients, streams=0, seconds=options.seconds / 3)
        show(f"{options.clients} clients ask for /version", floor)
        told = crowd(
            server, f"/deployment/{wid}", clients=options.clients, streams=options.streams, seconds=options.seconds
        )
        show(f"{options.clients} clients poll {wid}, {options.streams} read its events (bar {BAR * 1000:.0f} ms)", told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd:
    """`took`: seconds by what was asked; `late`: by how many of them the crowd itself came too late, sorted; `memory`:
    MiB after a third of the time, and at the end; `busy`: the share of one processor that the server used."""

    took: Mapping[str, list[float]]
    late: list[float]
    errors: list[str]
    streamed: int
    memory: tuple[float, float]
    busy: float
    seconds: float


def crowd(server: Server, resource: str, *, clients: int, streams: int, seconds: float) -> Crowd:
    """So many clients for so long."""
    asked = {"host": "127.0.0.1", "port": server.port, "resource": resource, "clients": clients, "streams": streams}
    pollers = subprocess.Popen(
        [sys.executable, "-m", "bench.pollers"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert pollers.stdin is not None
    began, processor = time.monotonic(), server.processor
    pollers.stdin.write(json.dumps(asked) + "\n")
    pollers.stdin.flush()
    time.sleep(seconds / 3)
    before = server.memory
    time.sleep(seconds * 2 / 3)
    after, used, lasted = server.memory, server.processor - processor, time.monotonic() - began
    told = json.loads(pollers.communicate()[0])
    return Crowd(
        took=told["took"],
        late=sorted(told["late"]),
        errors=told["errors"],
        streamed=told["streamed"],
        memory=(before, after),
        busy=used / lasted,
        seconds=lasted,
    )


def show(what: str, told: Crowd) -> None:
    print(f"{what}:")
    for asked, took in told.took.items():
        ordered = sorted(took)
        middle, slowest = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
        print(
            f"  {asked:6} {len(took) / told.seconds:6.0f} a second, median {1000 * middle:5.0f} ms, "
            f"slowest 1 % {1000 * slowest:5.0f} ms, slowest {1000 * ordered[-1]:5.0f} ms"
        )
    print(
        f"  server: {100 * told.busy:.0f} % of a processor, {told.memory[0]:.0f} MiB after a third of the time, "
        f"{told.memory[1]:.0f} MiB at the end; {told.streamed / 1024:.0f} KiB streamed; {len(told.errors)} errors"
    )
    print(f"  the crowd itself: slowest 1 % {1000 * told.late[int(len(told.late) * 0.99)]:.0f} ms too late")
    for error in sorted(set(told.errors))[:5]:
        print(f"    {error}")
    sys.stdout.flush()


@contextmanager
def simulated(nodes: int) -> Iterator[Server]:
    """A server over simulated nodes that are as slow as real ones, so that the deployment outlasts the crowd."""
    with tempfile.TemporaryDirectory(prefix="kadeploy-bench-") as directory:
        port = _free_port()
        for name, content in (
            ("server.conf", {**SERVER, "listen": {"address": "127.0.0.1", "port": port}}),
            ("clusters.conf", CLUSTERS),
        ):
            (Path(directory) / name).write_text(json.dumps(content))
        (Path(directory) / "one.conf").write_text(json.dumps(CLUSTER))
        argv = ["kadeployd", "--config", directory, "--simulate", str(nodes), "--simulate-speed", "1"]
        daemon = subprocess.Popen([str(Path(sys.executable).with_name(argv[0])), *argv[1:]], stderr=subprocess.PIPE)
        try:
            assert daemon.stderr is not None
            while b"ready on" not in (line := daemon.stderr.readline()):
                if not line:
                    raise RuntimeError("the server did not start")
            yield Server(pid=daemon.pid, port=port)
        finally:
            daemon.terminate()
            daemon.communicate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


if __name__ == "__main__":
    main()
