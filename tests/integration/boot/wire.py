"""A boot network of two ends: the server's interface here, the machines' in a network namespace. Needs root."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

CLIENT = Path(__file__).with_name("client.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    interface: str
    namespace: str
    network: IPv4Network

    @property
    def server(self) -> str:
        return str(self.network[1])

    def ask(self, *words: str) -> dict[str, object]:
        """What client.py says, from the machines' end; raises when it ends badly."""
        argv = ["ip", "netns", "exec", self.namespace, sys.executable, str(CLIENT), *words]
        said = subprocess.run(argv, check=True, capture_output=True, text=True, timeout=30)
        answer = json.loads(said.stdout)
        assert isinstance(answer, dict)
        return answer


@contextlib.contextmanager
def a_wire() -> Iterator[Wire]:
    """Named and numbered by this process, so that several test runs live side by side."""
    number = os.getpid()
    wire = Wire(
        interface=f"kab{number}",
        namespace=f"kab{number}",
        network=IPv4Network(f"10.215.{number % 254 + 1}.0/24"),
    )
    client = f"{wire.network[2]}/24"
    with contextlib.ExitStack() as stack:
        _ip("netns", "add", wire.namespace)
        stack.callback(_ip, "netns", "del", wire.namespace)
        _ip("link", "add", wire.interface, "type", "veth", "peer", "name", "eth0", "netns", wire.namespace)
        stack.callback(_ip, "link", "del", wire.interface)
        _ip("address", "add", f"{wire.server}/24", "dev", wire.interface)
        _ip("link", "set", wire.interface, "up")
        _ip("-n", wire.namespace, "link", "set", "eth0", "up")
        _ip("-n", wire.namespace, "address", "add", client, "dev", "eth0")
        yield wire


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
