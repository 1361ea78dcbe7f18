"""Step: one micro-step over a node set, and the `Context` handed to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol

from kadeploy.domain.awaited import Fetched
from kadeploy.domain.node import Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.patience import Patience
from kadeploy.domain.result import Result
from kadeploy.ports.boot import Boot
from kadeploy.ports.broadcast import Broadcast
from kadeploy.ports.clock import Clock
from kadeploy.ports.fetcher import Fetcher
from kadeploy.ports.power import Power
from kadeploy.ports.presence import Presence
from kadeploy.ports.remote import Remote, ReportBytes
from kadeploy.ports.running import RunningSystem
from kadeploy.ports.store import BootTimes
from kadeploy.ports.vlan import Vlan
from kadeploy.ports.window import Window


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Every port a step may use, chosen once by the composition root. `reboots` is the window through which nodes
    are restarted, switched on and off. `running`, `vlan`, `custom_broadcast` and `fetcher` are None where there is
    none."""

    site: Site
    power: Power
    reboots: Window
    boot: Boot
    remote: Remote
    broadcast: Broadcast
    presence: Presence
    boot_times: BootTimes
    clock: Clock
    running: RunningSystem | None = None
    vlan: Vlan | None = None
    custom_broadcast: Broadcast | None = None
    fetcher: Fetcher | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One execution of a step.

    `key` names this execution for ever, so that what is sent twice is done once. `began` is when the set
    entered the current attempt, and `entered` when nodes first entered this step (seconds since the epoch);
    `strength` is how many nodes began the attempt together: what the timeout formulas of a step count. `attempt` is
    the attempt's place in the order of fallback, `turn` counts its retries, and `again` those of the step, all from 0.
    `time_left` of the attempt is in seconds, and so is `limit`, what the plan gives this step, None where that is the
    step's own affair; no limit counts the time in a `with uncounted()`, in which nodes wait for others. `tell` keeps
    what nodes said (node -> text) for people to read. `patience` is what those that have ended have with the others,
    None where everybody is waited for; `waited` is how many seconds nodes that were late have been in this step before.
    `fetched` are the operation's files that are here, and `keep` adds to them, for good once the visit is recorded.
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
    attempt: int = 0
    again: int = 0
    strength: int = 1
    limit: float | None = None
    patience: Patience | None = None
    waited: float = 0.0
    tell: Callable[[Mapping[str, str]], None] = lambda _: None
    fetched: Fetched = field(default_factory=dict)
    keep: Callable[[Fetched], None] = lambda _: None
    uncounted: Callable[[], AbstractContextManager[None]] = nullcontext

    @property
    def is_first(self) -> bool:
        """Nothing was tried at this stage before."""
        return not (self.attempt or self.turn or self.again)

    def seconds(self, usual: float) -> float:
        """How long this execution may take, where a step usually takes `usual` seconds at most."""
        return max(0.0, min((usual if self.limit is None else self.limit) - self.waited, self.time_left))


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """A result, and nodes that are late: they stay in this step as a set of their own while the others go on.

    `excused` is how many seconds of it were uncounted; the engine fills it in.
    """

    result: Result
    late: NodeSet = field(default_factory=NodeSet)
    excused: float = 0.0

    @classmethod
    def of(cls, nodes: NodeSet, result: Result) -> StepResult:
        """Who is in no part of the result is late."""
        return cls(result=result, late=nodes - result.ok - NodeSet(result.ko))


class Step(Protocol):
    """A frozen value whose fields are its options, so that a plan prints. `name` is Kadeploy3's word for it."""

    @property
    def name(self) -> str: ...

    async def run(self, context: Context, nodes: NodeSet) -> StepResult: ...
