"""What becomes of the nodes of a set when a step has ended: a pure decision.

Nodes that passed go on at once; nodes that failed get their next chance as a set of their own; late nodes stay
in the step as a set of their own; nobody waits for anybody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from kadeploy.domain.nodeset import NodeSet
from kadeploy.engine.plan import Place, Plan
from kadeploy.engine.ticket import Ticket
from kadeploy.ports.step import StepResult


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """Nodes that leave the set, the ticket they go on with, and why."""

    ticket: Ticket
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`onward` is the set's next ticket, None when it has ended; `done` and `failed` have come to their end."""

    onward: Ticket | None
    branches: tuple[Branch, ...]
    done: NodeSet
    failed: Mapping[str, str]

    def to_json(self) -> dict[str, object]:
        """What the walk needs of it."""
        return {
            "onward": self.onward.to_json() if self.onward else None,
            "branches": [branch.ticket.to_json() for branch in self.branches],
        }


NOTHING: Final = Decision(onward=None, branches=(), done=NodeSet(), failed={})


def decide(plan: Plan, ticket: Ticket, outcome: StepResult, *, now: float) -> Decision:
    """Where each node of the ticket goes next. `outcome.result` must be settled over the nodes that are not late."""
    result, late = outcome.result, outcome.late
    following = plan.next_step(ticket.place)
    chance = plan.next_chance(ticket.place)
    branches: list[Branch] = []
    if late:
        stays = ticket.child(ticket.children + 1, ticket.place, late, at=now)
        branches.append(Branch(ticket=stays, why="late: the others go on"))
    if result.ko and chance is not None:
        again = ticket.child(ticket.children + len(branches) + 1, chance, NodeSet(result.ko), at=now)
        branches.append(Branch(ticket=again, why=_why(plan, ticket.place, chance)))
    return Decision(
        onward=ticket.moved(following, result.ok, at=now, born=len(branches))
        if following is not None and result.ok
        else None,
        branches=tuple(branches),
        done=result.ok if following is None else NodeSet(),
        failed=result.ko if chance is None else {},
    )


def _why(plan: Plan, place: Place, chance: Place) -> str:
    instance = plan.attempt_at(chance).instance
    if chance.again:
        return f"retry {chance.again} of {plan.micro_at(chance).name}"
    if chance.attempt == place.attempt:
        return f"retry {chance.turn} of {instance}"
    return f"fall back from {plan.attempt_at(place).instance} to {instance}"
