"""One broadcast between hosts with links of a given rate, and what became of every node."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.broadcast.image import MB
from bench.broadcast.machine import Moment
from kadeploy.broadcast.manifest import Manifest
from kadeploy.broadcast.reception import Outcome
from kadeploy.broadcast.sink import SinkKind, SinkOrder
from kadeploy.broadcast.source import Head
from kadeploy.testing.chain import RelayProcess, give_orders, relays, started
from kadeploy.testing.namespaces import Host, inside, network

NOWHERE = SinkOrder(kind=SinkKind.NONE)
LONGEST = 170.0  # seconds a run may take


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """`rate` in Mbit/s; `slow`: those of some hosts, by number (1 is the first node). `spool` in MB a node."""

    nodes: int
    rate: int
    mtu: int = 1500
    spool: int = 128
    slow: Mapping[int, int] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)  # of `Limits`, where they differ

    def ideal(self, size: int) -> float:
        """Seconds, headers of the wire not counted."""
        return size * 8 / (self.rate * 1e6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """`took`: seconds from the first order until that node's last byte was verified; None: it did not end well."""

    took: Mapping[str, float | None]
    outcomes: Mapping[str, Outcome | None]
    head_bytes: int
    processor: float  # seconds of all nodes
    load: float

    @property
    def failures(self) -> str:
        """Why nodes failed; empty if none did."""
        whys = {name: one.reason if one else "died" for name, one in self.outcomes.items() if not one or not one.ok}
        return "; ".join(f"{name}: {why}" for name, why in whys.items())

    def last(self, but: Sequence[str] = ()) -> float:
        """Of all but these, infinite if one failed."""
        return max(took if took is not None else float("inf") for name, took in self.took.items() if name not in but)


Disturb = Callable[[list[RelayProcess], list[Host], float], None]  # nodes, hosts (0 is the server), began


def nothing(nodes: list[RelayProcess], hosts: list[Host], began: float) -> None:
    pass


def broadcast(image: Path, manifest: Manifest, links: Links, disturb: Disturb = nothing, stall: float = 2.0) -> Run:
    rates = {number: f"{rate}mbit" for number, rate in links.slow.items()}
    with (
        network(links.nodes + 1, rate=f"{links.rate}mbit", mtu=links.mtu, rates=rates) as hosts,
        relays(links.nodes, hosts[1:]) as nodes,
    ):
        for host in hosts[1:]:
            host.spare_headers()
        with inside(hosts[0]):
            head = Head(image, manifest, host=hosts[0].address, stall=stall)
        with started(head):
            started_with = sum(node.processor_seconds() for node in nodes)
            before, began = Moment.now(), time.monotonic()
            limits = {"spool_limit": links.spool * MB, **links.limits}
            give_orders(head, nodes, lambda name: NOWHERE, host=hosts[0].address, **limits)
            disturb(nodes, hosts, began)
            outcomes = {node.name: node.outcome(LONGEST) for node in nodes}
            load, served = Moment.now().load_since(before), sum(head.served.values())
        return Run(
            took={node.name: _took(node, outcomes[node.name], began) for node in nodes},
            outcomes=outcomes,
            head_bytes=served,
            processor=sum(node.processor_seconds() for node in nodes) - started_with,
            load=load,
        )


def _took(node: RelayProcess, outcome: Outcome | None, began: float) -> float | None:
    return node.progressed_at - began if outcome is not None and outcome.ok else None
