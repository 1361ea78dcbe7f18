"""What a node has been through in an operation: every visit of a micro-step, how long it took, how it ended.

Nodes that went together share one course: an operation has as many as it had node sets with a way of their own, not
as many as nodes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from kadeploy.domain.event import Event, StepEnded
from kadeploy.domain.nodeset import NodeSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Visited:
    """One visit of a micro-step. `limit`: seconds that one turn of the instance might take, 0 for no limit; `tries`
    is 0 while a try goes on in a later visit, which a late node makes."""

    macro: str
    instance: str
    micro: str
    seconds: float
    limit: float = 0.0
    tries: int = 1
    has_failed: bool = False


Course = tuple[Visited, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTime:
    """A micro-step over all visits of it."""

    macro: str
    instance: str
    micro: str
    seconds: float
    tries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MacroTime:
    """A macro-step over all its instances; `instance` and `limit` are those of the last one. `retries` counts how often
    it was tried again, whatever of it."""

    macro: str
    instance: str
    seconds: float
    limit: float
    retries: int


class Courses:
    """The courses of an operation's nodes, as far as they have come; what has ended is let go."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        """`events` are those of the operation so far."""
        self._of: dict[str, Course] = {}
        for event in events:
            if isinstance(event, StepEnded):
                self.keep(self.after(event, _unfolded(event.ok), _unfolded(event.late)))

    def of(self, node: str) -> Course:
        return self._of.get(node, ())

    def after(self, event: StepEnded, ok: Iterable[str], late: Iterable[str]) -> Mapping[str, Course]:
        """The courses of the visit's nodes when it has ended; `ok` and `late` are the event's, unfolded."""
        visited = Visited(
            macro=event.macro,
            instance=event.instance,
            micro=event.micro,
            seconds=event.seconds,
            limit=event.limit,
        )
        courses: dict[str, Course] = {}
        for nodes, tries, has_failed in ((ok, 1, False), (late, 0, False), (event.ko, 1, True)):
            step = replace(visited, tries=tries, has_failed=has_failed)
            # The old course is kept beside the new one, so that its identity is nobody else's meanwhile.
            longer: dict[int, tuple[Course, Course]] = {}
            for node in nodes:
                before = self._of.get(node, ())
                known = longer.get(id(before))
                if known is None:
                    known = longer[id(before)] = (before, (*before, step))
                courses[node] = known[1]
        for node, again in event.again.items():
            if course := courses.get(node):
                courses[node] = (*course[:-1], replace(course[-1], tries=course[-1].tries + again))
        return courses

    def keep(self, courses: Mapping[str, Course]) -> None:
        self._of.update(courses)

    def let_go(self, nodes: Iterable[str]) -> None:
        for node in nodes:
            self._of.pop(node, None)


def _unfolded(text: str) -> frozenset[str]:
    return NodeSet.parse(text).names if text else frozenset()


def step_times(course: Course) -> tuple[StepTime, ...]:
    """In the order in which the micro-steps were first entered."""
    groups: dict[tuple[str, str, str], list[Visited]] = {}
    for visited in course:
        groups.setdefault((visited.macro, visited.instance, visited.micro), []).append(visited)
    return tuple(
        StepTime(
            macro=macro,
            instance=instance,
            micro=micro,
            seconds=sum(visited.seconds for visited in visits),
            tries=max(1, sum(visited.tries for visited in visits)),
        )
        for (macro, instance, micro), visits in groups.items()
    )


def macro_times(course: Course) -> tuple[MacroTime, ...]:
    """In their order. Whatever failed was tried again, but for the last visit of a node that failed for good."""
    groups: dict[str, list[Visited]] = {}
    for visited in course:
        groups.setdefault(visited.macro, []).append(visited)
    return tuple(
        MacroTime(
            macro=macro,
            instance=visits[-1].instance,
            seconds=sum(visited.seconds for visited in visits),
            limit=visits[-1].limit,
            retries=sum(max(visited.tries - 1, 0) + visited.has_failed for visited in visits) - visits[-1].has_failed,
        )
        for macro, visits in groups.items()
    )
