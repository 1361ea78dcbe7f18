"""A deployment's wall time against its floor, both measured in this run: `python -m bench.end_to_end`, as root.

The floor is one boot of the minimal environment alone, writing as many bytes as the unpacked image has to the same
disk, and one boot of the installed system alone. What lies above it is what Kadeploy adds. Emulated nodes share this
machine's cores, so three at once are also set against the floor of three at once.
"""

from __future__ import annotations

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from kadeploy.domain.nodeset import NodeSet
from kadeploy.lab.spec import mixed
from tests.vm.served_lab import ENVIRONMENT, ServedLab, serving


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """Seconds of what no deployment of these nodes can do without, each measured alone; `size` in MiB."""

    minimal: float
    writing: float
    installed: float
    size: int

    @property
    def seconds(self) -> float:
        return self.minimal + self.writing + self.installed


def main() -> None:
    spec = mixed("bench", nodes=3, subnet=IPv4Network("10.219.0.0/24"))
    with (
        tempfile.TemporaryDirectory(prefix="kadeploy-bench-") as directory,
        serving(spec, Path(directory), port=25319) as served,
    ):
        three = measure(served, NodeSet.parse("node-[1-3]"))
        timed(served, "kapower", "--off", "-m", "node-[1-3]", "-l", "hard")
        one = measure(served, NodeSet.parse("node-1"))
    for name, took, steps, own in (("1 node", *one), ("3 nodes at once", *three)):
        print(f"\ndeployment of {name}: {took:.1f} s")
        for floor, whose in {one[2]: "1 node", own: name}.items():
            print(f"  {took / floor.seconds:.2f} times the floor of {whose}")
        tell(own)
        table(steps)


def measure(served: ServedLab, nodes: NodeSet) -> tuple[float, list[dict[str, Any]], Floor]:
    """Seconds of a deployment, of its micro-steps, and the floor of these nodes, all at once."""
    took = timed(served, "kadeploy", *deployment(served, str(nodes)))
    steps = served.board()["timings"]
    size, writing = write_as_much(served, nodes)
    installed = timed(served, "kareboot", "-m", str(nodes), "-l", "hard")
    minimal = timed(served, "kareboot", "-m", str(nodes), "-l", "hard", "-r", "deploy_env")
    return took, steps, Floor(minimal=minimal, writing=writing, installed=installed, size=size)


def deployment(served: ServedLab, nodes: str) -> tuple[str, ...]:
    return ("-m", nodes, "-e", ENVIRONMENT, "-k", f"{served.key}.pub")


def timed(served: ServedLab, tool: str, *argv: str) -> float:
    """Seconds that the tool took; it must succeed."""
    began = time.monotonic()
    done = served.run(tool, *argv)
    took = time.monotonic() - began
    if done.returncode != 0:
        raise SystemExit(f"{tool} {' '.join(argv)} failed:\n{done.stdout}{done.stderr}")
    return took


def write_as_much(served: ServedLab, nodes: NodeSet) -> tuple[int, float]:
    """MiB that the installed system takes, and the seconds that writing as many to the disk of each takes."""
    size = int(served.ssh(next(iter(nodes)), "sync; du -sxm / | cut -f1"))
    words = f"dd if=/dev/zero of=/var/tmp/floor bs=1M count={size} conv=fsync 2>&1; rm /var/tmp/floor"
    began = time.monotonic()
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda node: served.ssh(node, words, timeout=600), nodes))
    return size, time.monotonic() - began


def tell(floor: Floor) -> None:
    print(f"  floor: {floor.seconds:.1f} s")
    print(f"    boot of the minimal environment {floor.minimal:6.1f} s")
    print(f"    writing {floor.size} MiB to disk       {floor.writing:6.1f} s")
    print(f"    boot of the installed system    {floor.installed:6.1f} s")


def table(timings: list[dict[str, Any]]) -> None:
    for timing in timings:
        print(f"  {timing['macro']}{timing['instance']:<12} {timing['micro']:<24} {timing['seconds']:7.1f} s")


if __name__ == "__main__":
    main()
