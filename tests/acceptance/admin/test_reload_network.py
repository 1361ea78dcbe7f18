"""What of the network a running server takes over: its own DHCP, asked by a machine, and the port of nodes' SSH."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncssh
import pytest

from tests.acceptance.admin.test_reload import Served
from tests.integration.boot.test_dnsmasq import pid_other_than
from tests.integration.boot.wire import Wire, a_wire
from tests.unit.config import files

MAC = "52:54:00:12:34:01"
LONGEST = 30.0  # seconds


@contextmanager
def with_dhcp(served: Served) -> Iterator[Wire]:
    """A server that runs DHCP on a wire, where node-1 has the twelfth address."""
    with a_wire() as wire:
        served.boot["address"] = wire.server
        served.change_boot(dnsmasq=section(wire, 24, "first"))
        served.change("clusters", clusters=files.clusters(files.node(1, address=str(wire.network[11])))["clusters"])
        with served.serving():
            yield wire


def section(wire: Wire, prefix: int, domain: str) -> dict[str, str]:
    return {"interface": wire.interface, "range": f"{wire.network[0]}/{prefix}", "domain": domain}


def offered(wire: Wire) -> tuple[object, object, object]:
    """To node-1's firmware: its address, its mask, its domain."""
    offer = wire.ask("dhcp", MAC, "0")[MAC]
    assert isinstance(offer, dict)
    return offer["address"], offer["mask"], offer["domain"]


def pid_after(old: int, served: Served) -> int:
    return asyncio.run(pid_other_than(old, served.directory / "state" / "dnsmasq"))


@pytest.fixture
def served(tmp_path: Path) -> Served:
    return Served(tmp_path)


@pytest.mark.netns
@pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")
def test_the_range_and_the_domain_of_dhcp(served: Served) -> None:
    with with_dhcp(served) as wire:
        first = pid_after(0, served)
        address = str(wire.network[11])
        assert offered(wire) == (address, "255.255.255.0", "first")
        served.change_boot(dnsmasq=section(wire, 25, "second"))
        assert served.kadmin().stdout == "changed: boot.dnsmasq.domain\nchanged: boot.dnsmasq.range\n"
        second = pid_after(first, served)
        assert offered(wire) == (address, "255.255.255.128", "second")
        served.change_boot(dnsmasq={**section(wire, 25, "second"), "interface": "another0"})
        assert served.kadmin().stdout == "at the next start: boot.dnsmasq.interface\n"
        served.change_boot(dnsmasq=section(wire, 29, "second"))
        refused = served.kadmin()
        assert (refused.exit, "are not in the boot network" in refused.stderr) == (1, True), refused
        served.change_boot(dnsmasq=section(wire, 25, "x,10.0.0.0/40"))
        refused = served.kadmin()
        assert (refused.exit, "boot.dnsmasq.domain: must be a domain's name" in refused.stderr) == (1, True), refused
        assert pid_after(0, served) == second
        assert offered(wire) == (address, "255.255.255.128", "second")


def test_the_port_of_nodes_ssh(served: Served) -> None:
    """A reboot asks the running system first, by SSH."""
    key = served.directory / "id"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(key)
    nodes = [files.node(number, address=f"127.0.0.{number}") for number in (1, 2)]
    served.change("clusters", clusters=files.clusters(*nodes)["clusters"])

    def is_asked(port: socket.socket, number: int) -> bool:
        status, said = served.post(path="/reboot", body={"nodes": [f"node-{number}"], "level": "soft"})
        assert status == 200, said
        port.settimeout(LONGEST)
        connection, _ = port.accept()
        with connection:
            address: str = connection.getsockname()[0]
            return address == f"127.0.0.{number}"

    with socket.create_server(("", 0)) as before, socket.create_server(("", 0)) as after:
        ports = [one.getsockname()[1] for one in (before, after)]
        served.change(
            "server", rights={"kind": "dummy"}, ssh_private_key=str(key), network={"ports": {"ssh": ports[0]}}
        )
        with served.serving():
            assert is_asked(before, 1)
            served.change("server", network={"ports": {"ssh": ports[1]}})
            assert served.kadmin().stdout == "changed: network.ports.ssh\n"
            assert is_asked(after, 2)
