"""What every `Remote` must do: checks that run on the simulated cluster, and on real agents."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.patience import Patience
from kadeploy.domain.result import Result
from kadeploy.ports.company import Company
from kadeploy.ports.remote import Command, Remote, Terms

PATIENCE = Patience(quorum=0.5, grace=0.0, least=0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSubject:
    """`nodes` are there, `absent` is not. `command` succeeds at once, and on the node `slow` only when `release` was
    called; `runs` says how often a node has run it."""

    remote: Remote
    nodes: NodeSet
    absent: str
    command: Callable[[str], Command]
    runs: Callable[[str], int]
    slow: str
    slowly: Callable[[str], Command]
    release: Callable[[], None]


async def every_node_runs_it_once(subject: RemoteSubject) -> None:
    before = _runs(subject)
    _all_ok(subject, await subject.remote.run(subject.nodes, subject.command, Terms(key="once", deadline=60)))
    assert _runs(subject) == {node: count + 1 for node, count in before.items()}


async def a_repeated_key_is_answered_with_the_first_result(subject: RemoteSubject) -> None:
    first = await subject.remote.run(subject.nodes, subject.command, Terms(key="again", deadline=60))
    before = _runs(subject)
    assert await subject.remote.run(subject.nodes, subject.command, Terms(key="again", deadline=60)) == first
    assert _runs(subject) == before
    _all_ok(subject, await subject.remote.run(subject.nodes, subject.command, Terms(key="again/other", deadline=60)))
    assert _runs(subject) == {node: count + 1 for node, count in before.items()}


async def an_absent_node_fails_alone_and_in_time(subject: RemoteSubject) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    both = subject.nodes | NodeSet([subject.absent])
    result = await subject.remote.run(both, subject.command, Terms(key="absent", deadline=5))
    assert result.ok == subject.nodes
    assert set(result.ko) == {subject.absent}
    assert result.ko[subject.absent]
    assert loop.time() - began < 10


async def one_that_is_gone_has_left(subject: RemoteSubject) -> None:
    both = subject.nodes | NodeSet([subject.absent])
    result = await subject.remote.run(both, subject.command, Terms(key="leaves", deadline=2), leaves=True)
    assert result.ok == both, result.ko


async def who_is_late_is_left_and_found_again(subject: RemoteSubject) -> None:
    before, others = _runs(subject), subject.nodes - NodeSet([subject.slow])
    company = Company(PATIENCE, subject.nodes)
    result = await subject.remote.run(subject.nodes, subject.slowly, Terms(key="late", deadline=60, company=company))
    assert result.ok == others, result.ko
    assert not result.ko
    assert company.late is not None
    subject.release()
    found = await subject.remote.run(NodeSet([subject.slow]), subject.slowly, Terms(key="late", deadline=60))
    assert found.ok == NodeSet([subject.slow]), found.ko
    assert _runs(subject) == {node: count + 1 for node, count in before.items()}


async def what_was_left_can_be_stopped(subject: RemoteSubject) -> None:
    late = NodeSet([subject.slow])
    terms = Terms(key="stopped", deadline=60, company=Company(PATIENCE, subject.nodes))
    await subject.remote.run(subject.nodes, subject.slowly, terms)
    await subject.remote.stop(late)
    other = await subject.remote.run(late, subject.command, Terms(key="other", deadline=10))
    assert other.ok == late, other.ko


async def nobody_is_nothing(subject: RemoteSubject) -> None:
    assert await subject.remote.run(NodeSet(), subject.command, Terms(key="nobody", deadline=60)) == Result()


def _runs(subject: RemoteSubject) -> dict[str, int]:
    return {node: subject.runs(node) for node in subject.nodes}


def _all_ok(subject: RemoteSubject, result: Result) -> None:
    assert result.ok == subject.nodes, result.ko
    assert not result.ko


CHECKS: tuple[Callable[[RemoteSubject], Awaitable[None]], ...] = (
    every_node_runs_it_once,
    a_repeated_key_is_answered_with_the_first_result,
    an_absent_node_fails_alone_and_in_time,
    one_that_is_gone_has_left,
    who_is_late_is_left_and_found_again,
    what_was_left_can_be_stopped,
    nobody_is_nothing,
)
