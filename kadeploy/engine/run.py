"""`Run`: an operation that is being carried out on this server, as far as it must be stopped, held and let go.

What is here is also in the store, where it outlives the server; here it is at hand for the steps that run now.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from kadeploy.domain.awaited import Fetched, filled
from kadeploy.domain.course import Courses
from kadeploy.domain.node import Site
from kadeploy.domain.nodeset import NodeSet
from kadeploy.engine.plan import Plan
from kadeploy.engine.ticket import Ticket
from kadeploy.ports.record import Breakpoint
from kadeploy.ports.step import StepResult


@dataclass(frozen=True, slots=True, eq=False)
class Visiting:
    """A step that runs."""

    nodes: NodeSet
    task: asyncio.Task[StepResult]


@dataclass(slots=True, eq=False)
class Gate:
    """One place at which sets gather: whose visit is under way, who waits in the order in which they came, and which of
    these have joined another. After a restart those that wait find each other again, or begin at once."""

    inside: set[str] = field(default_factory=set)
    waiting: list[Ticket] = field(default_factory=list)
    joined: set[str] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Run:
    """`withdrawn` are the nodes that are no longer the operation's; `lifted` the breakpoints that hold nobody.

    `courses` are those of the nodes that are still on their way. `fetched` are the files that are here: the plans have
    them in their places. `site` has the nodes as they were when it was loaded.
    """

    operation: str
    user: str
    nodes: NodeSet
    plans: Mapping[str, Plan]
    site: Site
    withdrawn: NodeSet = field(default_factory=NodeSet)
    courses: Courses = field(default_factory=Courses)
    fetched: Fetched = field(default_factory=dict)
    lifted: frozenset[Breakpoint] = frozenset()
    visits: set[Visiting] = field(default_factory=set)
    touched: Counter[str] = field(default_factory=Counter)  # nodes that something is done to that cannot be ended
    gates: dict[str, Gate] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def keep(self, fetched: Fetched) -> None:
        """These files are here."""
        self.fetched = {**self.fetched, **fetched}
        self.plans = {cluster: filled(plan, fetched) for cluster, plan in self.plans.items()}

    def tell(self) -> None:
        """Wake whoever waits for this run's `news`: they get hold of the event, look, and only then await it."""
        self.news.set()
        self.news = asyncio.Event()

    @contextmanager
    def visiting(self, nodes: NodeSet, task: asyncio.Task[StepResult]) -> Iterator[None]:
        visit = Visiting(nodes, task)
        self.visits.add(visit)
        try:
            yield
        finally:
            self.visits.discard(visit)
            self._told_who_withdraws()

    @contextmanager
    def touching(self, nodes: NodeSet) -> Iterator[None]:
        self.touched.update(nodes.names)
        try:
            yield
        finally:
            self.touched -= Counter(nodes.names)
            self._told_who_withdraws()

    def _told_who_withdraws(self) -> None:
        """Nobody else waits for a step to end, and ten thousand nodes are switched one by one."""
        if self.withdrawn:
            self.tell()

    def withdraw(self, nodes: NodeSet) -> NodeSet:
        """They go no further, and steps with nobody left end. Answers who is in a step together with others."""
        self.withdrawn |= nodes
        shared: frozenset[str] = frozenset()
        for visit in self.visits:
            if visit.nodes.names <= self.withdrawn.names:
                visit.task.cancel()
            else:
                shared |= visit.nodes.names & nodes.names
        self.tell()
        return NodeSet(shared)

    def is_busy_with(self, nodes: NodeSet) -> bool:
        """Whether something may still be done to nodes that were withdrawn."""
        ending = (visit for visit in self.visits if visit.nodes.names <= self.withdrawn.names)
        return any(visit.nodes.names & nodes.names for visit in ending) or any(map(self.touched.get, nodes.names))
