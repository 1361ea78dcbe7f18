"""How often nodes fail, by what they fail at: pure sums over tallies. Aborted nodes tell of nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from kadeploy.domain.course import StepTime
from kadeploy.domain.quantiles import Weighted, quantiles
from kadeploy.domain.state import Progress
from kadeploy.domain.statistics import Tally

QUANTILES: Final = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)


class By(StrEnum):
    NODE = "node"
    STEP = "step"
    ENVIRONMENT = "environment"
    CLUSTER = "cluster"
    USER = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Of `nodes` (or visits of nodes) so many failed."""

    nodes: int
    failures: int

    @property
    def value(self) -> float:
        """As Kadeploy3 has it: three digits."""
        return round(self.failures / self.nodes, 3) if self.nodes else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How long a micro-step took the nodes that came to it, its retries included: QUANTILES, in seconds."""

    macro: str
    instance: str
    micro: str
    nodes: int
    tries: int
    seconds: Sequence[float]


def rates(tallies: Iterable[Tally], by: By) -> Mapping[str, Rate]:
    """By anything but nodes, which the store counts."""
    if by is By.STEP:
        return _by_step(tallies)
    named = _NAMES[by]
    sums: dict[str, list[int]] = {}
    for tally in tallies:
        name = named(tally)
        if name and tally.progress is not Progress.ABORTED:
            _count(sums, name, tally.nodes, tally.nodes if tally.progress is not Progress.OK else 0)
    return _rates(sums)


def spreads(tallies: Iterable[Tally]) -> Sequence[Spread]:
    """In the order in which nodes come to the micro-steps."""
    groups: dict[tuple[str, str, str], list[tuple[StepTime, int]]] = {}
    for tally in sorted(tallies, key=lambda tally: tally.trip.started):
        for step in tally.trip.steps:
            groups.setdefault((step.macro, step.instance, step.micro), []).append((step, tally.nodes))
    return [
        Spread(
            macro=macro,
            instance=instance,
            micro=micro,
            nodes=sum(nodes for _, nodes in steps),
            tries=sum(step.tries * nodes for step, nodes in steps),
            seconds=quantiles(_weighted(steps), *QUANTILES),
        )
        for (macro, instance, micro), steps in sorted(groups.items(), key=lambda item: _ORDER.get(item[0][0], 0))
    ]


def _weighted(steps: Iterable[tuple[StepTime, int]]) -> Iterable[Weighted]:
    return [(step.seconds, float(nodes)) for step, nodes in steps]


def _by_step(tallies: Iterable[Tally]) -> Mapping[str, Rate]:
    """`MACRO-micro`: of the nodes that came to it, how many failed there for good."""
    sums: dict[str, list[int]] = {}
    for tally in tallies:
        if tally.progress is Progress.ABORTED:
            continue
        failed_at = f"{tally.macro}-{tally.micro}" if tally.progress is Progress.KO else ""
        came_to = dict.fromkeys(f"{step.macro}{step.instance}-{step.micro}" for step in tally.trip.steps)
        for name in came_to:
            _count(sums, name, tally.nodes, tally.nodes if name == failed_at else 0)
    return _rates(sums)


def _environment(tally: Tally) -> str:
    trip = tally.trip
    return f"{trip.environment}@{trip.owner}:{trip.version}" if trip.environment else ""


def _count(sums: dict[str, list[int]], name: str, nodes: int, failures: int) -> None:
    known = sums.setdefault(name, [0, 0])
    known[0] += nodes
    known[1] += failures


def _rates(sums: Mapping[str, Sequence[int]]) -> Mapping[str, Rate]:
    return {name: Rate(nodes=nodes, failures=failures) for name, (nodes, failures) in sums.items()}


_NAMES: Final[Mapping[By, Callable[[Tally], str]]] = {
    By.ENVIRONMENT: _environment,
    By.CLUSTER: lambda tally: tally.trip.cluster,
    By.USER: lambda tally: tally.trip.user,
}
_ORDER: Final = {"SetDeploymentEnv": 1, "BroadcastEnv": 2, "BootNewEnv": 3, "Reboot": 4, "Power": 5}
