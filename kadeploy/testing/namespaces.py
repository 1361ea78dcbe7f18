"""Hosts on one machine: network namespaces joined by a bridge, with links of a given rate. Needs root.

For tests and benchmarks of what moves bytes between machines: a link can be slow, and it can be unplugged.
Addresses are of 198.18.0.0/15, which RFC 2544 sets apart for this.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

CLONE_NEWNET = 0x40000000
_QUEUE = ("burst", "256kb", "latency", "100ms")
_numbers = itertools.count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    name: str
    namespace: str
    address: str
    port: str  # the bridge's side of its link

    def unplug(self) -> None:
        """From now on nothing comes or goes, and nobody is told."""
        _run("ip", "link", "set", self.port, "down")

    def plug(self) -> None:
        """After `unplug`."""
        _run("ip", "link", "set", self.port, "up")

    def relink(self, rate: str) -> None:
        """From now on its link has this rate, as tc(8) writes it; it had one before."""
        limit = ("root", "tbf", "rate", rate, *_QUEUE)
        _run("tc", "qdisc", "change", "dev", self.port, *limit)
        _run("tc", "-n", self.namespace, "qdisc", "change", "dev", "eth0", *limit)

    def part_from(self, others: Sequence[Host]) -> None:
        """From now on this host hears nothing of these others, and nobody is told; all else goes on (nftables)."""
        chain = ("add", "chain", "inet", "parted", "in", "{ type filter hook input priority 0; }")
        self._nft("add", "table", "inet", "parted")
        self._nft(*chain)
        for other in others:
            self._nft("add", "rule", "inet", "parted", "in", "ip", "saddr", other.address, "drop")

    def refuse(self, percent: int) -> None:
        """From now on so many of a hundred connections to this host are refused, by lot (nftables)."""
        self._nft("add", "table", "inet", "refused")
        self._nft("add", "chain", "inet", "refused", "in", "{ type filter hook input priority 0; }")
        lot = ("numgen", "random", "mod", "100", "<", str(percent), "reject", "with", "tcp", "reset")
        self._nft("add", "rule", "inet", "refused", "in", "tcp", "flags", "syn", "/", "syn,ack", *lot)

    def spare_headers(self) -> None:
        """No TCP timestamps on its connections, as in the minimal environment."""
        with inside(self):
            Path("/proc/sys/net/ipv4/tcp_timestamps").write_text("0")

    def _nft(self, *words: str) -> None:
        _run("ip", "netns", "exec", self.namespace, "nft", *words)


@dataclass(slots=True)
class Network:
    """Made by `network`."""

    bridge: str
    hosts: list[Host] = field(default_factory=list)

    def add(self, number: int, rate: str, mtu: int) -> None:
        """One host; `rate` as tc(8) writes it ("200mbit"), both ways; empty: unlimited."""
        space, port = f"{self.bridge}h{number}", f"{self.bridge}p{number}"
        host = Host(
            name=f"node-{number}", namespace=space, port=port, address=f"198.18.{number // 250}.{number % 250 + 1}"
        )
        self.hosts.append(host)
        _run("ip", "netns", "add", space)
        _run(
            "ip", "link", "add", port, "mtu", str(mtu), "type", "veth", "peer", "eth0", "mtu", str(mtu), "netns", space
        )
        _run("ip", "link", "set", port, "master", self.bridge, "up")
        _run("ip", "-n", space, "address", "add", f"{host.address}/16", "brd", "+", "dev", "eth0")
        _run("ip", "-n", space, "link", "set", "eth0", "up")
        _run("ip", "-n", space, "link", "set", "lo", "up")
        if rate:
            limit = ("root", "tbf", "rate", rate, *_QUEUE)
            _run("tc", "qdisc", "add", "dev", port, *limit)
            _run("tc", "-n", space, "qdisc", "add", "dev", "eth0", *limit)


@contextlib.contextmanager
def network(
    count: int, *, rate: str = "", mtu: int = 1500, rates: Mapping[int, str] | None = None
) -> Iterator[list[Host]]:
    """`count` hosts, numbered from 0; the first one is often the server. All is removed at the end.

    `rates` are of hosts that differ from `rate`, by number.
    """
    # The kernel takes its time to remove a network: the next one has other names.
    net = Network(f"kb{os.getpid() % 100000}{next(_numbers)}")
    try:
        _run("ip", "link", "add", net.bridge, "mtu", str(mtu), "type", "bridge")
        # Else the machine itself answers for any address it has elsewhere.
        _run("ip", "link", "set", net.bridge, "arp", "off")
        _run("ip", "link", "set", net.bridge, "type", "bridge", "mcast_snooping", "0")  # nobody asks who listens
        _run("ip", "link", "set", net.bridge, "up")
        for number in range(count):
            net.add(number, (rates or {}).get(number, rate), mtu)
        yield net.hosts
    finally:
        for host in net.hosts:
            subprocess.run(["ip", "netns", "delete", host.namespace], check=False, stderr=subprocess.DEVNULL)
        subprocess.run(["ip", "link", "delete", net.bridge], check=False, stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def inside(host: Host) -> Iterator[None]:
    """Sockets this thread opens here belong to the host, also afterwards (setns(2), which Python 3.11 lacks)."""
    with Path("/proc/thread-self/ns/net").open() as here, Path(f"/run/netns/{host.namespace}").open() as there:
        _enter(there.fileno())
        try:
            yield
        finally:
            _enter(here.fileno())


def _enter(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "cannot enter a network namespace")


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
