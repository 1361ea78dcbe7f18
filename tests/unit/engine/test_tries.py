"""Steps that are tried again: in their place while the others wait, or apart."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.engine.plan import Attempt, Micro, Place, Plan, Stage
from kadeploy.engine.tries import all_tries
from kadeploy.ports.step import StepResult
from kadeploy.steps.sync import Sync

A, B, C = (NodeSet((f"node-{index}",)) for index in (1, 2, 3))
ALL = A | B | C


def answers(micro: Micro, *given: StepResult) -> tuple[StepResult, list[tuple[int, str]]]:
    """What comes of these answers, and what was tried: the number of the try, and its nodes."""
    asked: list[tuple[int, str]] = []
    left = list(given)

    async def attempt(again: int, nodes: NodeSet) -> StepResult:
        asked.append((again, str(nodes)))
        return left.pop(0)

    return asyncio.run(all_tries(micro, ALL, attempt)), asked


def result(ok: NodeSet, ko: Sequence[str] = (), late: NodeSet | None = None) -> StepResult:
    return StepResult(result=Result(ok=ok, ko=dict.fromkeys(ko, "broken")), late=late or NodeSet())


def test_only_those_that_failed_are_tried_again() -> None:
    micro = Micro(step=Sync(), retries=2, raisable=False)
    outcome, asked = answers(
        micro, result(A, ["node-2", "node-3"]), result(B, ["node-3"]), result(NodeSet(), ["node-3"])
    )
    assert asked == [(0, "node-[1-3]"), (1, "node-[2-3]"), (2, "node-3")]
    assert outcome.result.ok == A | B
    assert outcome.result.ko == {"node-3": "broken"}


def test_late_nodes_are_waited_for_and_cost_no_try() -> None:
    micro = Micro(step=Sync(), retries=0, raisable=False)
    outcome, asked = answers(micro, result(A, late=B | C), result(B, ["node-3"]))
    assert asked == [(0, "node-[1-3]"), (0, "node-[2-3]")]
    assert outcome.result.ok == A | B
    assert not outcome.late


STEPS = (Micro(step=Sync(), retries=1), Micro(step=Sync(), retries=3, raisable=False), Micro(step=Sync()))
PLAN = Plan(
    stages=(
        Stage(macro="SetDeploymentEnv", attempts=(Attempt(instance="Untrusted", steps=STEPS, retries=1),)),
        Stage(macro="BootNewEnv", attempts=(Attempt(instance="Classical", steps=STEPS, raisable=False),)),
    )
)


@pytest.mark.parametrize(
    ("place", "chance"),
    [
        (Place(), Place(again=1)),
        (Place(again=1), Place(turn=1)),
        (Place(turn=1), Place(turn=1, again=1)),
        (Place(turn=1, again=1), None),
        (Place(step=1), Place(turn=1)),
        (Place(step=2), Place(turn=1)),
    ],
)
def test_a_steps_retries_come_before_the_attempts(place: Place, chance: Place | None) -> None:
    assert PLAN.next_chance(place) == chance


def test_a_step_that_passed_in_its_second_try_is_followed_by_the_next_steps_first() -> None:
    assert PLAN.next_step(Place(again=1)) == Place(step=1)
    assert str(Place(again=1)) == "0.0.0.0+1"


def test_nobody_waits_at_the_end_of_the_last_stage() -> None:
    assert not PLAN.gathers(Place())
    assert not PLAN.gathers(Place(stage=1))
