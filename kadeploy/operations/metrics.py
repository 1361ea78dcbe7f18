"""What the server tells those who watch it, in the text format of Prometheus (version 0.0.4).

Counters and histograms begin anew with the server; how operations and nodes stand is read when somebody asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from kadeploy.domain.event import Event, StepEnded
from kadeploy.ports.gauge import Gauge, Gauges
from kadeploy.ports.store import Nodes, Operations

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_STEPS: Final = (0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200)  # seconds
_ANSWERS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)  # seconds


class Metrics:
    """A listener of the event log. `gauges` are the adapters'."""

    def __init__(self, *, operations: Operations, nodes: Nodes, gauges: Gauges) -> None:
        self._operations = operations
        self._nodes = nodes
        self._gauges = gauges
        self._registry = CollectorRegistry()
        self._steps = Histogram(
            "kadeploy_step_seconds",
            "Seconds that a node set's visit of a micro-step took",
            ["macro", "micro"],
            buckets=_STEPS,
            registry=self._registry,
        )
        self._failed = Counter(
            "kadeploy_step_failures", "Nodes that failed in a micro-step", ["macro", "micro"], registry=self._registry
        )
        self._requests = Counter(
            "kadeploy_api_requests", "Requests answered", ["method", "route", "status"], registry=self._registry
        )
        self._seconds = Histogram(
            "kadeploy_api_request_seconds",
            "Seconds until a request was answered, or began to be where the answer is a stream",
            ["method", "route"],
            buckets=_ANSWERS,
            registry=self._registry,
        )
        self._strangers = Counter(
            "kadeploy_api_authentication_failures", "Requests of who could not be known", registry=self._registry
        )

    async def __call__(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, StepEnded):
                macro = event.macro + event.instance
                self._steps.labels(macro, event.micro).observe(event.seconds)
                if event.ko:
                    self._failed.labels(macro, event.micro).inc(len(event.ko))

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request was; `route` is the pattern of its path, of which there are few."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)
        if status == 401:
            self._strangers.inc()

    async def text(self) -> bytes:
        """Everything, as it is now."""
        standing = CollectorRegistry(auto_describe=False)
        standing.register(_Ready([*await self._stored(), *families(self._gauges())]))
        return generate_latest(self._registry) + generate_latest(standing)

    async def _stored(self) -> list[Metric]:
        operations = GaugeMetricFamily(
            "kadeploy_operations", "Operations that are kept, by state", labels=["kind", "state"]
        )
        for (kind, state), count in sorted((await self._operations.counts()).items()):
            operations.add_metric([kind, state], count)
        nodes = GaugeMetricFamily("kadeploy_nodes", "Nodes by what was last made of them", labels=["state"])
        for node_state, count in sorted((await self._nodes.counts()).items()):
            nodes.add_metric([node_state], count)
        return [operations, nodes]


def families(gauges: Iterable[Gauge]) -> list[Metric]:
    """One family a name."""
    found: dict[str, GaugeMetricFamily] = {}
    for gauge in gauges:
        names = list(gauge.labels)
        family = found.setdefault(gauge.name, GaugeMetricFamily(f"kadeploy_{gauge.name}", gauge.says, labels=names))
        family.add_metric([gauge.labels[name] for name in names], gauge.value)
    return list(found.values())


class _Ready(Collector):
    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        yield from self._metrics
