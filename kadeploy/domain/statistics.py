"""What is known of past operations: a row a node and operation; nodes that went the same way share a `Trip`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kadeploy.domain.course import MacroTime, StepTime
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import OperationKind, Progress

STAGES = 3  # macro-steps of a deployment; other operations have one


@dataclass(frozen=True, slots=True, kw_only=True)
class Trip:
    """`strength` is of how many nodes of its cluster the operation was, `started` is in seconds since the epoch;
    `environment` is empty where none was installed, `image_sha256` also where it is not known."""

    operation: str
    kind: OperationKind
    user: str
    cluster: str
    started: float
    strength: int = 0
    image_size: int = 0
    image_sha256: str = ""
    environment: str = ""
    version: int = 0
    owner: str = ""
    macros: tuple[MacroTime, ...] = ()
    steps: tuple[StepTime, ...] = ()

    @property
    def seconds(self) -> float:
        """What its steps took together."""
        return sum(macro.seconds for macro in self.macros)

    @property
    def retries(self) -> int:
        return sum(macro.retries for macro in self.macros)

    def called(self, macro: MacroTime) -> str:
        """The macro-step with its instance; of a reboot and of power the instance says all, as in Kadeploy3."""
        return macro.macro + macro.instance if self.kind is OperationKind.DEPLOYMENT else macro.instance


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeRow:
    """What became of one node in one operation; `macro`, `micro` and `reason` are those of its failure."""

    node: str
    trip: Trip
    ended: float
    progress: Progress
    macro: str = ""
    micro: str = ""
    reason: str = ""

    @property
    def error(self) -> str:
        where = f"{self.macro}-{self.micro}: " if self.macro and self.progress is Progress.KO else ""
        return where + self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """So many nodes that went the same way came to the same end."""

    trip: Trip
    progress: Progress
    macro: str
    micro: str
    nodes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Boots:
    """How many seconds each node of one wait took to boot that way."""

    cluster: str
    way: str
    at: float
    seconds: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which rows; what is None or empty does not matter. `since` and `until` bound the operations' start, `before` the
    rows' recording; `retry_steps` are macro-steps counted from 1, each of which must have `min_retries`, else any;
    `step` is a macro-step, a micro-step or `MACRO-micro`, in which nodes failed."""

    kind: OperationKind | None = None
    nodes: NodeSet | None = None
    operation: str = ""
    user: str = ""
    cluster: str = ""
    environment: str = ""
    version: int | None = None
    owner: str = ""
    since: float | None = None
    until: float | None = None
    before: float | None = None
    min_retries: int | None = None
    retry_steps: Sequence[int] = field(default=())
    min_seconds: float | None = None
    max_seconds: float | None = None
    step: str = ""
    only_failed: bool = False


SORTED_BY = frozenset(
    {
        *("wid", "user", "hostname", "start", "end", "success", "error", "env", "cluster", "kind", "owner"),
        *(f"{field}{number}" for number in (1, 2, 3) for field in ("step", "timeout_step", "retry_step")),
        *(f"step{number}_duration" for number in (1, 2, 3)),
        *("duration", "retries", "image_size", "nodes"),
    }
)
