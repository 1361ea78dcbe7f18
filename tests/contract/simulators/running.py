"""A simulator as a child process, ended with the test also when that fails."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]


@contextlib.contextmanager
def running(module: str, *words: str) -> Iterator[str]:
    """The rest of the line `ready ...` with which the simulator says that it serves."""
    argv = [sys.executable, "-W", "ignore", "-m", f"tests.contract.simulators.{module}", *words]
    with subprocess.Popen(
        argv, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        try:
            assert child.stdout is not None
            said = child.stdout.readline().split()
            assert said[:1] == ["ready"], f"the {module} simulator did not start"
            yield " ".join(said[1:])
        finally:
            child.kill()


def free_udp_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
