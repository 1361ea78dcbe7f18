"""Where nodes go when a step has ended."""

from __future__ import annotations

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.engine.decide import decide
from kadeploy.engine.plan import Place, Plan
from kadeploy.engine.ticket import Ticket
from kadeploy.plans.build import build_deploy
from kadeploy.ports.step import StepResult
from kadeploy.testing.sites import request_for, site_of

SITE = site_of(4)
PLAN: Plan = build_deploy(request_for(NodeSet(SITE.nodes)), SITE, "sim")
A, B, C = (NodeSet((f"node-{index}",)) for index in (1, 2, 3))


def ticket(place: Place) -> Ticket:
    everybody = A | B | C
    return Ticket(
        operation="D-1", cluster="sim", set="0", place=place, nodes=everybody, began=5.0, entered=7.0, strength=3
    )


def test_the_passed_go_on_the_failed_are_retried_the_late_stay() -> None:
    outcome = StepResult(result=Result(ok=A, ko={"node-2": "broken"}), late=C)
    decision = decide(PLAN, ticket(Place(step=2)), outcome, now=100.0)
    assert decision.onward is not None
    assert decision.onward.place == Place(step=3)
    assert (decision.onward.nodes, decision.onward.children) == (A, 2)
    late, retried = (branch.ticket for branch in decision.branches)
    assert (late.set, late.place, late.nodes, late.began, late.entered) == ("0.1", Place(step=2), C, 5.0, 7.0)
    assert (retried.set, retried.place, retried.nodes, retried.began) == ("0.2", Place(turn=1), B, 100.0)
    assert not decision.failed
    assert not decision.done


def test_the_last_turn_of_the_last_attempt_is_the_end() -> None:
    last = Place(stage=2, attempt=2, turn=1, step=2)
    decision = decide(PLAN, ticket(last), StepResult(result=Result(ok=A | C, ko={"node-2": "dead"})), now=9.0)
    assert decision.done == A | C
    assert decision.failed == {"node-2": "dead"}
    assert decision.onward is None
    assert not decision.branches


def test_a_fallback_is_the_next_attempt_from_its_first_step() -> None:
    kexec = Place(stage=2, attempt=0, step=2)
    decision = decide(PLAN, ticket(kexec), StepResult(result=Result(ko=dict.fromkeys(A | B | C, "gone"))), now=9.0)
    assert decision.branches[0].ticket.place == Place(stage=2, attempt=1)
    assert decision.branches[0].why == "fall back from Kexec to Classical"


def test_a_ticket_travels_through_json() -> None:
    own = ticket(Place(stage=1, attempt=2, turn=3, step=4))
    assert Ticket.from_json(own.to_json()) == own
