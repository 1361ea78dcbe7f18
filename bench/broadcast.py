"""Broadcast: what a relay costs against the least it could cost, and a chain's time against its link's.

    python -m bench.broadcast [--nodes 20] [--megabytes 256] [--rate 200] [--relay-megabytes 1024]

Two figures, each a ratio measured in one run:

- processor time per GB of a relay (receive, check, forward; no sink), unshaped on loopback, against a bare
  `recv_into`/`sendall` loop with one pass of the digest in the same thread, between the same two ends;
- time until the last node has the last byte against size / link rate, in network namespaces with links shaped
  by tc, besides that of the same head and a chain of one node (the floor of the wire: headers, handshakes).

The shaped part needs root.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import resource
import socket
import statistics
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from kadeploy.broadcast.manifest import Manifest, manifest_of
from kadeploy.broadcast.reception import Outcome
from kadeploy.broadcast.sink import SinkKind, SinkOrder
from kadeploy.broadcast.source import Head
from kadeploy.testing.chain import RelayProcess, give_orders, relays, started
from kadeploy.testing.namespaces import inside, network

GB = 1e9
NOWHERE = SinkOrder(kind=SinkKind.NONE)


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the broadcast.")
    parser.add_argument("--nodes", type=int, default=20)
    parser.add_argument("--megabytes", type=int, default=256, help="of the shaped chain's image (10^6 bytes)")
    parser.add_argument("--rate", type=int, default=200, help="of each link, in Mbit/s")
    parser.add_argument("--mtu", type=int, default=1500)
    parser.add_argument("--spool", type=int, default=256, help="megabytes of memory a node may use")
    parser.add_argument("--relay-megabytes", type=int, default=1000, help="through one unshaped relay")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        image = Path(directory) / "image"
        if options.relay_megabytes:
            relay_cost(image, options.relay_megabytes, options.spool, options.rounds)
        if options.nodes and os.geteuid() == 0:
            shaped_chain(image, options)
    return 0


def made(image: Path, megabytes: int) -> Manifest:
    with image.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1_000_000))
    began = time.monotonic()
    manifest = manifest_of(image)
    took = time.monotonic() - began
    print(f"manifest of {megabytes} MB: {took:.2f} s, {megabytes / took:.0f} MB/s ({manifest.algorithm})")
    return manifest


def relay_cost(image: Path, megabytes: int, spool: int, rounds: int) -> None:
    """Rounds of both, one after the other, since the machine's speed changes by the minute."""
    manifest = made(image, megabytes)
    ours, bare = [], []
    for _ in range(rounds):
        bare.append(bare_seconds(image) / (manifest.size / GB))
        ours.append(relay_seconds(image, manifest, spool) / (manifest.size / GB))
        print(f"  processor s/GB: bare relay + {manifest.algorithm} {bare[-1]:.2f}, relay {ours[-1]:.2f}")
    ratio = statistics.median(ours) / statistics.median(bare)
    print(
        f"relay, {spool} MB of memory: {statistics.median(ours):.2f} s/GB, bare {statistics.median(bare):.2f}: ", end=""
    )
    print(f"ratio {ratio:.2f}, {8 / statistics.median(ours):.1f} Gbit/s a core")


def relay_seconds(image: Path, manifest: Manifest, spool: int) -> float:
    """Of the first of two relays: it receives, checks and forwards. Without what its start costs."""
    with relays(2) as nodes, started(Head(image, manifest, host="127.0.0.1")) as head:
        before = processor_seconds(nodes[0])
        give_orders(head, nodes, lambda name: NOWHERE, spool_limit=spool * 1_000_000)
        nodes[1].outcome()
        return last_processor_seconds(nodes[0]) - before


def processor_seconds(node: RelayProcess) -> float:
    fields = Path(f"/proc/{node.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def last_processor_seconds(node: RelayProcess) -> float:
    """A process that has ended keeps its figures until it is waited for."""
    node.outcome()
    return processor_seconds(node)


def bare_seconds(image: Path) -> float:
    """A relay without memory, checks or healing: one loop, one digest of all that passes."""
    near, far = socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0))
    source, drain = forked(lambda: _give(near, image)), forked(lambda: _drain(far))
    read, write = os.pipe()
    relay = forked(lambda: os.write(write, struct.pack("d", _relay(near.getsockname(), far.getsockname()))))
    (seconds,) = struct.unpack("d", os.read(read, 8))
    for pid in (source, drain, relay):
        os.waitpid(pid, 0)
    for descriptor in (read, write):
        os.close(descriptor)
    near.close()
    far.close()
    return float(seconds)


def forked(work: Callable[[], object]) -> int:
    pid = os.fork()
    if not pid:
        try:
            work()
        finally:
            os._exit(0)
    return pid


def _give(listener: socket.socket, image: Path) -> None:
    sock, _ = listener.accept()
    with image.open("rb") as file:
        sock.sendfile(file)
    sock.close()


def _drain(listener: socket.socket) -> None:
    sock, _ = listener.accept()
    buffer = bytearray(1 << 20)
    while sock.recv_into(buffer):
        pass


def _relay(source: tuple[str, int], target: tuple[str, int]) -> float:
    buffer = bytearray(256 << 10)
    view, digest = memoryview(buffer), hashlib.sha256()
    with socket.create_connection(source) as near, socket.create_connection(target) as far:
        before = resource.getrusage(resource.RUSAGE_SELF)
        while count := near.recv_into(buffer):
            far.sendall(view[:count])
            digest.update(view[:count])
        after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def shaped_chain(image: Path, options: argparse.Namespace) -> None:
    manifest = made(image, options.megabytes)
    ideal = manifest.size * 8 / (options.rate * 1e6)
    print(f"links of {options.rate} Mbit/s, mtu {options.mtu}: ideal {ideal:.2f} s")
    for nodes in (1, options.nodes):
        outcomes = chain_outcomes(image, manifest, nodes, options)
        slowest = max(outcome.received_after or float("inf") for outcome in outcomes)
        print(f"  {nodes:3} nodes: last byte at the last node after {slowest:.2f} s, ratio {slowest / ideal:.3f}")


def chain_outcomes(image: Path, manifest: Manifest, count: int, options: argparse.Namespace) -> list[Outcome]:
    with (
        network(count + 1, rate=f"{options.rate}mbit", mtu=options.mtu) as hosts,
        relays(count, hosts[1:]) as nodes,
    ):
        with inside(hosts[0]):
            head = Head(image, manifest, host=hosts[0].address)
        with started(head):
            give_orders(head, nodes, lambda name: NOWHERE, host=hosts[0].address, spool_limit=options.spool * 1_000_000)
            outcomes = [node.outcome() for node in nodes]
    whole = [outcome for outcome in outcomes if outcome is not None and outcome.ok]
    if len(whole) < count:
        raise SystemExit(f"{count - len(whole)} of {count} nodes failed: {outcomes}")
    return whole


if __name__ == "__main__":
    sys.exit(main())
