"""A deployment's wall time against its floor, both measured in this run: `python -m bench.end_to_end`, as root.

The floor of one node is one boot of the minimal environment alone, writing as many bytes as the unpacked image has to
the same disk, and one boot of the installed system alone. What lies above it is what Kadeploy adds. Three nodes share
this machine's cores, so their ratio also shows how many cores there are.
"""

from __future__ import annotations

import tempfile
import time
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from kadeploy.lab.spec import mixed
from tests.vm.served_lab import ENVIRONMENT, ServedLab, serving


def main() -> None:
    spec = mixed("bench", nodes=3, subnet=IPv4Network("10.219.0.0/24"))
    with (
        tempfile.TemporaryDirectory(prefix="kadeploy-bench-") as directory,
        serving(spec, Path(directory), port=25319) as served,
    ):
        three = timed(served, "kadeploy", *deployment(served, "node-[1-3]"))
        steps_of_three = served.board()["timings"]
        timed(served, "kapower", "--off", "-m", "node-[1-3]", "-l", "hard")
        one = timed(served, "kadeploy", *deployment(served, "node-1"))
        steps_of_one = served.board()["timings"]
        written, writing = write_as_much(served, "node-1")
        installed = timed(served, "kareboot", "-m", "node-1", "-l", "hard")
        minimal = timed(served, "kareboot", "-m", "node-1", "-l", "hard", "-r", "deploy_env")
    floor = minimal + writing + installed
    print(f"floor of one node: {floor:6.1f} s")
    print(f"  boot of the minimal environment alone {minimal:6.1f} s")
    print(f"  writing {written} MiB to its disk      {writing:6.1f} s")
    print(f"  boot of the installed system alone    {installed:6.1f} s")
    for name, took, steps in (("1 node", one, steps_of_one), ("3 nodes", three, steps_of_three)):
        print(f"\ndeployment of {name}: {took:.1f} s, ratio {took / floor:.2f}")
        table(steps)


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


def write_as_much(served: ServedLab, node: str) -> tuple[int, float]:
    """MiB that the installed system takes, and the seconds that writing as many to its disk takes."""
    size = int(served.ssh(node, "sync; du -sxm / | cut -f1"))
    began = time.monotonic()
    served.ssh(
        node, f"dd if=/dev/zero of=/var/tmp/floor bs=1M count={size} conv=fsync 2>&1; rm /var/tmp/floor", timeout=600
    )
    return size, time.monotonic() - began


def table(timings: list[dict[str, Any]]) -> None:
    for timing in timings:
        print(f"  {timing['macro']}{timing['instance']:<12} {timing['micro']:<24} {timing['seconds']:7.1f} s")


if __name__ == "__main__":
    main()
