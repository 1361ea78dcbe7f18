"""Trying a step again in its place: for steps that let nobody go on alone.

Where nodes may go on alone, those that failed are tried again as a set of their own (`decide.py`); here they are
tried again while the others wait, within one visit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.engine.plan import Micro
from kadeploy.ports.step import StepResult

Try = Callable[[int, NodeSet], Awaitable[StepResult]]
"""One try of the step over these nodes: its number, counted from 0. Its result is settled."""


async def all_tries(micro: Micro, nodes: NodeSet, attempt: Try) -> StepResult:
    """Every try that the step has, until no node is left that has neither passed nor used them up."""
    results: list[Result] = []
    left, again, excused = nodes, 0, 0.0
    while left:
        outcome = await attempt(again, left)
        results.append(outcome.result)
        excused += outcome.excused
        if outcome.late:
            left = outcome.late | NodeSet(outcome.result.ko)  # its time is not over: nobody has failed for good
            continue
        left = NodeSet(outcome.result.ko) if again < micro.retries else NodeSet()
        again += 1
    return StepResult(result=_last_word(results), excused=excused)


def _last_word(results: list[Result]) -> Result:
    """A later result of a node takes the place of an earlier one."""
    ok: frozenset[str] = frozenset()
    ko: dict[str, str] = {}
    outputs: dict[str, str] = {}
    for result in results:
        ok |= result.ok.names
        ko = {name: reason for name, reason in {**ko, **result.ko}.items() if name not in ok}
        outputs.update(result.outputs)
    return Result(ok=NodeSet(ok), ko=ko, outputs=outputs)
