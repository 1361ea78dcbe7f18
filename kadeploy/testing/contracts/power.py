"""What every `Power` must do: checks that run on the simulated cluster, and on each real driver with a simulator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import Level
from kadeploy.domain.result import Result
from kadeploy.ports.power import Power


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerSubject:
    """`nodes` obey; `broken` is one more that cannot be switched, with a part of the reason it must give."""

    power: Power
    nodes: NodeSet
    broken: str
    reason: str


async def on_comes_true_and_may_be_repeated(subject: PowerSubject) -> None:
    _all_ok(subject, await subject.power.off(subject.nodes, Level.HARD))
    for level in Level:
        _all_ok(subject, await subject.power.on(subject.nodes, level))
        await _expect(subject, "on")


async def off_comes_true_and_may_be_repeated(subject: PowerSubject) -> None:
    _all_ok(subject, await subject.power.on(subject.nodes, Level.HARD))
    for level in Level:
        _all_ok(subject, await subject.power.off(subject.nodes, level))
        await _expect(subject, "off")


async def cycle_starts_what_is_off(subject: PowerSubject) -> None:
    for level in Level:
        _all_ok(subject, await subject.power.off(subject.nodes, Level.HARD))
        _all_ok(subject, await subject.power.cycle(subject.nodes, level))
        await _expect(subject, "on")


async def cycle_leaves_what_runs_on(subject: PowerSubject) -> None:
    _all_ok(subject, await subject.power.on(subject.nodes, Level.HARD))
    for level in (Level.HARD, Level.VERY_HARD):
        _all_ok(subject, await subject.power.cycle(subject.nodes, level))
        await _expect(subject, "on")


async def a_broken_node_fails_alone(subject: PowerSubject) -> None:
    both = subject.nodes | NodeSet([subject.broken])
    power = subject.power
    results = [
        await power.on(both, Level.SOFT),
        await power.cycle(both, Level.VERY_HARD),
        await power.off(both, Level.HARD),
        await power.status(both),
    ]
    for result in results:
        assert result.ok == subject.nodes
        assert set(result.ko) == {subject.broken}
        assert subject.reason in result.ko[subject.broken], result.ko
    assert subject.broken not in results[-1].outputs


async def nobody_is_nothing(subject: PowerSubject) -> None:
    assert await subject.power.cycle(NodeSet(), Level.SOFT) == Result()


def _all_ok(subject: PowerSubject, result: Result) -> None:
    assert result.ok == subject.nodes, result.ko
    assert not result.ko


async def _expect(subject: PowerSubject, state: str) -> None:
    result = await subject.power.status(subject.nodes)
    _all_ok(subject, result)
    assert dict(result.outputs) == dict.fromkeys(subject.nodes, state)


CHECKS: tuple[Callable[[PowerSubject], Awaitable[None]], ...] = (
    on_comes_true_and_may_be_repeated,
    off_comes_true_and_may_be_repeated,
    cycle_starts_what_is_off,
    cycle_leaves_what_runs_on,
    a_broken_node_fails_alone,
    nobody_is_nothing,
)
