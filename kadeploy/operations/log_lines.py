"""An operation's events as log lines in the form Kadeploy3's tools know: `SECONDS.FRACTION|text`.

Times grow from line to line, since the tools sort by them. A text is one line and has no `|` of its own, since the
tools cut there. Levels: 0 begin and end, 1 macro-steps and splits, 2 failures and decisions, 3 micro-steps,
4 how long they took, 5 what nodes said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, cast

from kadeploy.domain.event import (
    Decided,
    Event,
    HookEnded,
    NodeFailed,
    NodesAborted,
    NodesDone,
    NodesHeld,
    NodesResumed,
    NodesSaid,
    OperationEnded,
    OperationQueued,
    OperationStarted,
    SetBranched,
    SetJoined,
    StepEnded,
    StepStarted,
)
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.state import OperationKind

TITLES: Final = {
    OperationKind.DEPLOYMENT: "Deployment",
    OperationKind.REBOOT: "Reboot",
    OperationKind.POWER: "Power operation",
}
Said = Iterator[tuple[int, str]]
_OfSet = StepStarted | StepEnded | SetBranched | SetJoined | Decided | NodesSaid | NodesHeld


class LogLines:
    """Turns events into lines, one after the other; `cluster` keeps only that cluster's."""

    def __init__(self, kind: OperationKind, verbosity: int, cluster: str = "") -> None:
        self._title = TITLES[kind]
        self._verbosity = verbosity
        self._only = cluster
        self._started = 0.0
        self._clusters: Mapping[str, str] = {}
        self._macros: dict[tuple[str, str], tuple[str, str, int]] = {}
        self._outputs: dict[str, str] = {}
        self._last = 0.0

    def lines(self, event: Event) -> list[str]:
        """The lines of one event, each ending in a newline."""
        tell = _TELL.get(type(event))
        if tell is None or (self._only and getattr(event, "cluster", self._only) != self._only):
            return []
        texts = [text for level, text in tell(self, event) if level <= self._verbosity]
        return [self._line(event.at, part) for text in texts for part in text.splitlines() or [""]]

    def _line(self, at: float, text: str) -> str:
        self._last, line = stamped(at, self._last, text)
        return line

    def _prefix(
        self, event: StepStarted | StepEnded | SetBranched | Decided | NodesSaid | NodesHeld | SetJoined
    ) -> str:
        return f"[{event.cluster}.{event.set}] " if len(self._clusters) > 1 else f"[{event.set}] "

    def _operation_started(self, event: OperationStarted) -> Said:
        self._started, self._clusters = event.at, event.clusters
        yield 0, f"{self._title} of {event.clusters.get(self._only, event.nodes)} begins"

    def _operation_queued(self, event: OperationQueued) -> Said:
        for other, nodes in event.behind.items():
            yield 0, f"{self._title} of {event.nodes} waits for {nodes}, in use by {other}"

    def _step_started(self, event: StepStarted) -> Said:
        visited, place = (event.cluster, event.set), (event.macro, event.instance, event.turn)
        if self._macros.get(visited) != place:
            self._macros[visited] = place
            again = f", retry {event.turn}" if event.turn else ""
            yield 1, f"{self._prefix(event)}Step {event.macro}{event.instance} begins on {event.nodes}{again}"
        yield 3, f"{self._prefix(event)}  {event.micro} on {event.nodes}"

    def _step_ended(self, event: StepEnded) -> Said:
        for reason, nodes in by_reason(event.ko):
            yield 2, f"{self._prefix(event)}  {event.micro} failed on {nodes}: {reason}"
        yield 4, f"{self._prefix(event)}  {event.micro} took {event.seconds:.1f} s"

    def _set_branched(self, event: SetBranched) -> Said:
        yield 1, f"{self._prefix(event)}{event.nodes} go on apart as [{event.child}]: {event.why}"

    def _set_joined(self, event: SetJoined) -> Said:
        yield 1, f"{self._prefix(event)}{event.nodes} go on together with [{event.into}]"

    def _decided(self, event: Decided) -> Said:
        yield 2, f"{self._prefix(event)}{event.what}"

    def _nodes_said(self, event: NodesSaid) -> Said:
        yield 5, f"{self._prefix(event)}  {event.micro} on {event.nodes} says:\n{event.text}"

    def _nodes_done(self, event: NodesDone) -> Said:
        self._outputs.update(event.outputs)
        yield 0, f"{self._title} of {event.nodes} done ({self._elapsed(event)})"
        for node, text in event.outputs.items():
            yield 5, f"{node}: {text}"

    def _nodes_held(self, event: NodesHeld) -> Said:
        where = f"{event.macro}{event.instance}-{event.micro}"
        yield 0, f"{self._prefix(event)}{event.nodes} held before {where}: kadeploy --resume {event.operation} goes on"

    def _nodes_resumed(self, event: NodesResumed) -> Said:
        yield 0, f"{event.nodes} resumed by {event.by}"

    def _nodes_aborted(self, event: NodesAborted) -> Said:
        yield 0, f"{self._title} of {event.nodes} {event.reason}"

    def _node_failed(self, event: NodeFailed) -> Said:
        yield 0, f"{self._title} of {event.node} failed ({self._elapsed(event)}): {event.told}"
        if event.output and event.output not in event.reason:
            yield 2, f"{event.node} said last:\n{event.output}"

    def _operation_ended(self, event: OperationEnded) -> Said:
        if self._title == TITLES[OperationKind.POWER] and self._outputs:
            yield 0, "---"
            for node in NodeSet(self._outputs):
                yield 0, f"{node}: {self._outputs[node]}"
            yield 0, "---"
        for cluster in [self._only] if self._only else self._clusters:
            yield 0, f"{self._title} over on cluster {cluster} ({self._elapsed(event)})"
        if event.error:
            yield 0, f"{self._title} failed: {event.error}"

    def _hook_ended(self, event: HookEnded) -> Said:
        if event.error:
            yield 2, f"the command at the end failed: {event.error}"

    def _elapsed(self, event: Event) -> str:
        return f"{max(0.0, event.at - self._started):.0f} s"


def stamped(at: float, last: float, text: str) -> tuple[float, str]:
    """The line with its time, which is later than the `last` one's; that time."""
    time = max(round(at, 5), round(last + 0.00001, 5))
    return time, f"{time:.5f}|{text.replace('|', '¦')}\n"


def by_reason(ko: Mapping[str, str]) -> Iterator[tuple[str, NodeSet]]:
    """Failed nodes grouped by why, since a thousand nodes often fail for one reason."""
    groups: dict[str, list[str]] = {}
    for node, reason in ko.items():
        groups.setdefault(reason, []).append(node)
    for reason, nodes in groups.items():
        yield reason, NodeSet(nodes)


_TELL: Final = cast(
    Mapping[type[Event], Callable[[LogLines, Event], Said]],
    {
        OperationQueued: LogLines._operation_queued,
        OperationStarted: LogLines._operation_started,
        StepStarted: LogLines._step_started,
        StepEnded: LogLines._step_ended,
        SetBranched: LogLines._set_branched,
        SetJoined: LogLines._set_joined,
        Decided: LogLines._decided,
        NodesSaid: LogLines._nodes_said,
        NodesDone: LogLines._nodes_done,
        NodesHeld: LogLines._nodes_held,
        NodesResumed: LogLines._nodes_resumed,
        NodesAborted: LogLines._nodes_aborted,
        NodeFailed: LogLines._node_failed,
        OperationEnded: LogLines._operation_ended,
        HookEnded: LogLines._hook_ended,
    },
)
