"""The same checks on the simulated cluster and on real agents."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from kadeploy.domain.boot import BootKind, BootTarget
from kadeploy.domain.nodeset import NodeSet
from kadeploy.domain.power import Level
from kadeploy.ports.presence import System
from kadeploy.ports.remote import Command
from kadeploy.testing.clock import LoopClock, run_jumping
from kadeploy.testing.cluster import SimulatedCluster
from kadeploy.testing.contracts.remote import CHECKS, RemoteSubject
from kadeploy.testing.nodes import Fault
from kadeploy.testing.sites import site_of
from kadeploy.testing.timing import Timing
from tests.integration.agents.world import KnownTokens, agent, quoted, script, serving, until

HERE = NodeSet(["node-1", "node-2"])
SLOW = "node-2"
ABSENT = "node-3"
Check = Callable[[RemoteSubject], Awaitable[None]]


def named(check: Check) -> str:
    return str(getattr(check, "__name__", check))


@pytest.mark.parametrize("check", CHECKS, ids=named)
def test_simulated(check: Check) -> None:
    async def go() -> None:
        timing = Timing(slow=25.0)
        cluster = SimulatedCluster(site_of(3), LoopClock(), seed=1, faults={SLOW: Fault.SLOW_DISK}, timing=timing)
        await cluster.services.boot.set(HERE, BootTarget(kind=BootKind.MINIMAL))
        await cluster.services.power.on(HERE, Level.HARD)
        async for _ in cluster.services.presence.watch(HERE, System.MINIMAL, 0.0):
            pass
        subject = RemoteSubject(
            remote=cluster.services.remote,
            nodes=HERE,
            absent=ABSENT,
            command=lambda _: Command(name="mount"),
            runs=lambda node: sum(map(cluster.nodes[node].ran.count, ("mount", "format"))),
            slow=SLOW,
            slowly=lambda _: Command(name="format"),
            release=lambda: None,
        )
        await check(subject)

    run_jumping(go())


@pytest.mark.parametrize("check", CHECKS, ids=named)
def test_agents(check: Check, tmp_path: Path) -> None:
    def count(node: str) -> Path:
        return tmp_path / f"count of {node}"

    released = tmp_path / "released"

    def command(node: str, more: str = "") -> Command:
        return Command(name="run_script", args=script(tmp_path, f"echo once >> {quoted(count(node))}\n{more}"))

    def slowly(node: str) -> Command:
        wait = f"until [ -e {quoted(released)} ]; do sleep 0.05; done"
        return command(node, wait if node == SLOW else "")

    async def go() -> None:
        tokens = KnownTokens()
        async with serving(tokens) as server, contextlib.AsyncExitStack() as stack:
            for node in HERE:
                tokens.expect(node, f"secret of {node}")
                count(node).touch()
                await stack.enter_async_context(agent(tmp_path / node, server.port, node, f"secret of {node}"))
            await until(lambda: all(map(server.meeting.session, HERE)))
            subject = RemoteSubject(
                remote=server.remote,
                nodes=HERE,
                absent=ABSENT,
                command=command,
                runs=lambda node: len(count(node).read_text().splitlines()),
                slow=SLOW,
                slowly=slowly,
                release=released.touch,
            )
            await check(subject)

    asyncio.run(go())
