"""Node sets of one operation that come to the same broadcast become one: the server sends an image once.

While a set is being sent the image, those of its cluster that come to the same place wait, since two chains at once
share the server's wire and so both take longer; when it is free, all that wait go on as one set. Whoever joins another
set ends with it. The time they wait does not count for their timeouts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

from kadeploy.domain.event import SetJoined
from kadeploy.domain.nodeset import NodeSet
from kadeploy.engine.perform import Performer
from kadeploy.engine.plan import Place, Plan
from kadeploy.engine.run import Gate, Run
from kadeploy.engine.ticket import Ticket
from kadeploy.ports.record import Answer, Conclusion

SHARED: Final = frozenset({"send_environment"})  # steps that cost the server as much for many nodes as for one


def is_shared(plan: Plan, place: Place) -> bool:
    return plan.micro_at(place).name in SHARED


def together(tickets: Sequence[Ticket], *, at: float) -> Ticket:
    """The first one's set with the nodes of all, which came to the same place: nobody loses time by it."""
    waited = [ticket.waited(until=at) for ticket in tickets]
    first = waited[0]
    latest = max(ticket.began + ticket.excused for ticket in waited)
    return replace(
        first,
        nodes=NodeSet(frozenset().union(*(ticket.nodes.names for ticket in waited))),
        strength=sum(ticket.strength for ticket in waited),
        excused=latest - first.began,
    )


async def gather(performer: Performer, run: Run, ticket: Ticket) -> Answer:
    """Wait until the place is free. The ticket to go on with, None for a set that has joined another."""
    known = await performer.record.answer(_key(ticket))
    if known is not None:
        return known
    gate = run.gates.setdefault(_place(ticket), Gate())
    came = performer.services.clock.now()
    gate.waiting.append(ticket)
    try:
        while True:
            news = run.news
            if ticket.set in gate.joined:
                return {"ticket": None}
            if ticket.nodes.names <= run.withdrawn.names:
                return {"ticket": ticket.to_json()}
            if gate.waiting[0] is ticket and not gate.inside:
                gate.inside.add(ticket.set)
                return await _lead(performer, gate, ticket, came)
            await news.wait()
    finally:
        gate.waiting.remove(ticket)
        gate.joined.discard(ticket.set)
        run.tell()


@contextmanager
def inside(run: Run, ticket: Ticket) -> Iterator[None]:
    """The set is at the step; also when it was let in before a restart."""
    gate = run.gates.setdefault(_place(ticket), Gate())
    gate.inside.add(ticket.set)
    try:
        yield
    finally:
        gate.inside.discard(ticket.set)
        run.tell()


async def _lead(performer: Performer, gate: Gate, ticket: Ticket, came: float) -> Answer:
    """Go on with everybody who waits."""
    now = performer.services.clock.now()
    others = [other for other in gate.waiting if other is not ticket and other.set not in gate.joined]
    if not others:
        return {"ticket": (ticket if now == came else ticket.waited(until=now)).to_json()}
    answers: dict[str, Answer] = {_key(other): {"ticket": None} for other in others}
    answers[_key(ticket)] = {"ticket": together([ticket, *others], at=now).to_json()}
    events = [_joined(other, ticket, now) for other in others]
    gate.joined |= {other.set for other in others}
    await performer.record.conclude(
        Conclusion(operation=ticket.operation, nodes=NodeSet(), answers=answers, events=events)
    )
    await performer.events.announce(*events)
    return answers[_key(ticket)]


def _joined(ticket: Ticket, into: Ticket, at: float) -> SetJoined:
    return SetJoined(
        operation=ticket.operation,
        at=at,
        cluster=ticket.cluster,
        set=ticket.set,
        into=into.set,
        nodes=str(ticket.nodes),
    )


def _key(ticket: Ticket) -> str:
    return f"{ticket.key}/gathered"


def _place(ticket: Ticket) -> str:
    return f"{ticket.operation}/{ticket.cluster}/{ticket.place}"
