from __future__ import annotations

import asyncio
import logging

import pytest

from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.result import Result
from kadeploy.drivers.fanout import fan_out
from kadeploy.errors import CommandFailed

NODES = NodeSet.parse("node-[1-200]")


def test_each_node_is_done_once_and_no_more_than_the_limit_at_a_time() -> None:
    done: list[str] = []
    now = most = 0

    async def act(name: str) -> str:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        done.append(name)
        return ""

    result = asyncio.run(fan_out(NODES, act, limit=7))
    assert result == Result(ok=NODES)
    assert sorted(done) == sorted(NODES)
    assert most == 7


def test_outputs_are_kept_and_a_failure_is_its_node_s_alone() -> None:
    async def act(name: str) -> str:
        if name == "node-2":
            raise CommandFailed("it is out of order")
        return f"I am {name}"

    result = asyncio.run(fan_out(NodeSet.parse("node-[1-3]"), act, limit=2))
    assert result.ok == NodeSet.parse("node-[1,3]")
    assert result.ko == {"node-2": "it is out of order"}
    assert result.outputs == {"node-1": "I am node-1", "node-3": "I am node-3"}


def test_a_bug_fails_one_node_and_is_logged_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    async def act(name: str) -> str:
        return str(1 / (name != "node-1"))

    with caplog.at_level(logging.ERROR):
        result = asyncio.run(fan_out(NodeSet.parse("node-[1-2]"), act, limit=2))
    assert result.ko == {"node-1": "internal error: ZeroDivisionError: division by zero"}
    assert result.ok == NodeSet(["node-2"])
    assert caplog.records[0].exc_info


def test_cancelling_ends_every_node_s_work() -> None:
    ended: list[str] = []

    async def act(name: str) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(name)
        return ""

    async def run() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await fan_out(NODES, act, limit=3)

    asyncio.run(run())
    assert len(ended) <= 3
