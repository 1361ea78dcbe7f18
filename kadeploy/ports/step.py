"""Step: one micro-step over a node set, and the `Context` handed to it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from kadeploy.domain.node import Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.ports.boot import Boot
from kadeploy.ports.broadcast import Broadcast
from kadeploy.ports.clock import Clock
from kadeploy.ports.power import Power
from kadeploy.ports.presence import Presence
from kadeploy.ports.remote import Remote, ReportBytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Every port a step may use, chosen once by the composition root."""

    site: Site
    power: Power
    boot: Boot
    remote: Remote
    broadcast: Broadcast
    presence: Presence
    clock: Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One execution of a step.

    `key` names this execution for ever, so that what is sent twice is done once. `began` is when the set
    entered the current attempt, and `entered` when nodes first entered this step (seconds since the epoch);
    `turn` counts the retries of the attempt, from 0; `time_left` is in seconds.
    """

    services: Services
    operation: str
    user: str
    cluster: str
    key: str
    began: float
    entered: float
    turn: int
    time_left: float
    report: ReportBytes
    decide: Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """A result, and nodes that are late: they stay in this step as a set of their own while the others go on."""

    result: Result
    late: NodeSet = field(default_factory=NodeSet)


class Step(Protocol):
    """A frozen value whose fields are its options, so that a plan prints. `name` is Kadeploy3's word for it."""

    @property
    def name(self) -> str: ...

    async def run(self, context: Context, nodes: NodeSet) -> StepResult: ...
